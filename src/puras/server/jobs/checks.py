"""The checks between a request and its job: facts are fetched, the decisions on them are pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from puras.server.billing import store as billing
from puras.server.budgets import store as budgets
from puras.server.budgets.store import Spender
from puras.server.caller import Caller
from puras.server.clock import Micros
from puras.server.db.database import Transaction
from puras.server.deployments import store as deployments
from puras.server.jobs import inline
from puras.server.jobs.wanted import Wanted
from puras.server.keys import store as keys
from puras.server.refusals import Refused
from puras.server.secrets import store as secrets
from puras.server.skillpacks import store as skillpacks
from puras.wire import ManifestSkill

if TYPE_CHECKING:
    from puras.server.platform import Platform


@dataclass(frozen=True, slots=True)
class Target:
    """What was found under a wanted path; each None hides what comes after it."""

    skillpack: skillpacks.Skillpack | None
    deployment: deployments.Deployment | None = None
    skill: ManifestSkill | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A target that exists and can run here."""

    skillpack: skillpacks.Skillpack
    deployment: deployments.Deployment
    skill: ManifestSkill


async def find_target(
    tx: Transaction, wanted: Wanted, *, workspace_id: str, now: Micros = 0
) -> Target:
    """Look up skillpack, deployment and skill, as far as they exist for this workspace."""
    if wanted.is_inline and not wanted.skillpack:
        home = await inline.find_home(tx, workspace_id)
        home = home or inline.future_home(workspace_id, now=now)
        return Target(*home, inline.prompt_skill(wanted.inputs))
    pack = await skillpacks.find(tx, wanted.skillpack, workspace_id=workspace_id)
    if pack is None:
        return Target(None)
    if wanted.version is None:
        deployment = await deployments.active(tx, pack.id)
    else:
        deployment = await deployments.by_version(tx, pack.id, wanted.version)
    if deployment is None:
        return Target(pack)
    if wanted.is_inline:
        return Target(pack, deployment, inline.prompt_skill(wanted.inputs))
    return Target(pack, deployment, deployment.skill(wanted.skill))


def check_kind(caller: Caller, wanted: Wanted) -> None:
    """Step 6: a prompt of one's own is for secret keys."""
    if wanted.is_inline and caller.is_publishable:
        raise Refused(
            "key_kind_not_allowed", "a publishable key can't run a prompt: use a secret key"
        )


def check_allowlist(caller: Caller, wanted: Wanted, target: Target) -> None:
    """Step 7: says the same of a skill that does not exist and of one that is not on the list."""
    pack = target.skillpack
    if caller.skills is not None:
        allowed = pack is not None and (pack.id, wanted.skill) in caller.skills
    else:
        foreign = pack is None or pack.workspace_id != caller.workspace_id
        allowed = not (caller.is_publishable and foreign)
    if not allowed:
        raise Refused(
            "skill_not_allowed",
            f"this API key is not allowed to run `{wanted.path}`: use a key whose allowlist "
            "has it, or add it to this one's",
        )


def check_target(caller: Caller, wanted: Wanted, target: Target) -> Found:
    """Step 8: the skill exists, in a deployment that exists, and can run here."""
    pack = target.skillpack
    if wanted.is_inline and (pack is None or pack.workspace_id != caller.workspace_id):
        raise Refused(
            "skill_not_found",
            f"there is no skillpack `{wanted.skillpack}` in this workspace to run a prompt beside: "
            "check its slug, or name none",
        )
    if pack is None:
        raise Refused("skill_not_found", f"there is no skill `{wanted.path}`: check its path")
    if target.deployment is None and wanted.version is None:
        raise Refused(
            "no_active_deployment",
            f"nothing is active in `{pack.slug}`: deploy it, or activate one of its versions",
        )
    if target.deployment is None:
        raise Refused(
            "version_not_found",
            f"`{pack.slug}` has no version {wanted.version}: leave out `version`, or list its "
            "deployments",
        )
    if target.skill is None:
        raise Refused("skill_not_found", _unknown_skill(caller, wanted, target.deployment, pack))
    return Found(pack, target.deployment, target.skill)


async def check_secrets(
    tx: Transaction, path: str, skill: ManifestSkill, *, skillpack_id: str
) -> None:
    """Step 14. `path` is how the caller calls the skill. Raises Refused (`secrets_missing`)."""
    missing = await secrets.missing(tx, skillpack_id, skill["needs"])
    if missing:
        raise Refused(
            "secrets_missing",
            f"`{path}` needs secrets that are not set: {', '.join(missing)}; let its publisher "
            f"set them with `puras secrets set {missing[0]}`",
        )


def _unknown_skill(
    caller: Caller,
    wanted: Wanted,
    deployment: deployments.Deployment,
    pack: skillpacks.Skillpack,
) -> str:
    sentence = f"there is no skill `{wanted.path}` in version {deployment.version}"
    if caller.is_publishable or pack.workspace_id != caller.workspace_id:
        return f"{sentence}: check its name"
    names = sorted(deployment.skill_names())
    near = difflib.get_close_matches(wanted.skill, names, n=3) or names[:5]
    return f"{sentence}: did you mean {' or '.join(f'`{name}`' for name in near)}?"


async def check_limits(platform: Platform, caller: Caller, found: Found) -> None:
    """Steps 9 to 12. Raises Refused."""
    now = platform.clock()
    if caller.daily_cap_micros is not None:
        await platform.db.glance(
            lambda tx: billing.check_daily_cap(
                tx, key_id=caller.key_id, daily_cap_micros=caller.daily_cap_micros, now=now
            )
        )
    if (rate := caller.rate_per_minute) is not None:
        await platform.db.write(
            lambda tx: keys.count_submit(tx, key_id=caller.key_id, rate=rate, now=now)
        )
    spender = Spender(caller.workspace_id, found.skillpack.id, found.skill["name"])

    async def check_money(tx: Transaction) -> None:
        await budgets.check(tx, spender, now=now)
        await billing.check_credits(tx, workspace_id=caller.workspace_id)

    await platform.db.glance(check_money)
