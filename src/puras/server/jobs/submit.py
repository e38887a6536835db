"""Everything between a request for a job and its row: the checks, in the contract's order.

    4  shape         read_wanted
    5  idempotency   find a twin that was here before
    6  key kind      a prompt is for secret keys
    7  allowlist     the same refusal for what does not exist and for what is not allowed
    8  target        skill, deployment, version
    9  daily cap     10  rate     11 budgets     12  credits
    13 inputs        every violation at once, and files within the key's reach
    14 secrets       those that the skill says it needs are set
    →  one transaction writes idempotency record, job and first event

Facts are fetched first; the decisions on them are pure functions.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from puras.errors import SkillPathError
from puras.server.billing import store as billing
from puras.server.budgets import store as budgets
from puras.server.budgets.store import Spender
from puras.server.caller import Caller
from puras.server.clock import Micros, new_id
from puras.server.db.database import Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.events.store import StoredEvent
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.store import Kept, Ticket
from puras.server.jobs import inline, store
from puras.server.jobs import inputs as job_inputs
from puras.server.jobs.inline import INLINE
from puras.server.jobs.states import NewJob
from puras.server.keys import store as keys
from puras.server.refusals import Refused
from puras.server.secrets import store as secrets
from puras.server.skillpacks import store as skillpacks
from puras.skill_path import parse
from puras.wire import MAX_PROMPT_CHARACTERS, ManifestSkill

if TYPE_CHECKING:
    from puras.server.platform import Platform


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, read but not yet checked against anything. With a `prompt` the skill
    is `@inline`, and no skillpack need be named."""

    skill: str
    skillpack: str
    version: int | None
    inputs: dict[str, Any]
    source: str | None
    prompt: str | None = None

    @property
    def path(self) -> str:
        return f"{self.skillpack}/{self.skill}" if self.skillpack else self.skill

    @property
    def is_inline(self) -> bool:
        return self.prompt is not None


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


def read_wanted(body: Mapping[str, Any], query: Mapping[str, str], version: int | None) -> Wanted:
    """Read what is wanted from body and query (step 4). Raises Refused `invalid_request`."""
    skill, prompt = body.get("skill"), body.get("prompt")
    if (skill is None) == (prompt is None):
        raise Refused("invalid_request", "send either `skill` or `prompt`, and not both")
    named = query.get("skillpack_id") or query.get("skillpack")
    inputs, source = body.get("inputs") or {}, body.get("source")
    if prompt is not None:
        _check_prompt(prompt, skillpack=named, version=version)
        return Wanted(INLINE, named or "", version, inputs, source, prompt)
    try:
        path = parse(skill or "", named)
    except SkillPathError as error:
        raise Refused("invalid_request", str(error)) from None
    if path.skillpack is None:
        raise Refused(
            "invalid_request",
            f"say which skillpack `{path.skill}` is in: send `?skillpack=…`, or the path "
            "`workspace/skillpack/skill`",
        )
    return Wanted(path.skill, path.skillpack, version, inputs, source)


def _check_prompt(prompt: str, *, skillpack: str | None, version: int | None) -> None:
    if not prompt.strip() or len(prompt) > MAX_PROMPT_CHARACTERS:
        raise Refused("invalid_request", f"`prompt` has 1 to {MAX_PROMPT_CHARACTERS:,} characters")
    if version is not None and not skillpack:
        raise Refused(
            "invalid_request", "`version` is that of a skillpack: send `?skillpack=…` with it"
        )


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


async def submit(
    platform: Platform, caller: Caller, wanted: Wanted, ticket: Ticket | None
) -> tuple[str, Kept | None]:
    """Check a request and queue its job; return the job's id, and the twin it repeats if any.

    Raises:
        Refused: at the first check that fails, with nothing written but the rate's counter.
    """
    kept = await platform.db.glance(lambda tx: idempotency.find(tx, ticket)) if ticket else None
    if kept is not None:
        return kept.resource_id, kept
    check_kind(caller, wanted)
    target = await platform.db.glance(
        lambda tx: find_target(tx, wanted, workspace_id=caller.workspace_id, now=platform.clock())
    )
    check_allowlist(caller, wanted, target)
    found = check_target(caller, wanted, target)
    await check_limits(platform, caller, found)
    inputs = job_inputs.fill(found.skill, wanted.inputs)
    await job_inputs.check_files(platform.db, caller, found.skill, inputs)
    if found.skill["needs"]:
        pack_id = found.skillpack.id
        await platform.db.read(
            lambda tx: check_secrets(tx, wanted.path, found.skill, skillpack_id=pack_id)
        )
    if found.deployment.version == 0:
        home = await inline.make_home(platform, caller.workspace_id)
        found = replace(found, skillpack=home[0], deployment=home[1])
    job = _new_job(caller, wanted, found, inputs)
    kept = await _enqueue(platform, job, ticket)
    return (kept.resource_id, kept) if kept else (job.id, None)


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


def _new_job(caller: Caller, wanted: Wanted, found: Found, inputs: dict[str, Any]) -> NewJob:
    pack, deployment = found.skillpack, found.deployment
    own = pack.workspace_id == caller.workspace_id
    return NewJob(
        id=new_id(),
        workspace_id=caller.workspace_id,
        skillpack_id=pack.id,
        skillpack=pack.slug,
        deployment_id=deployment.id,
        version=deployment.version,
        skill_name=wanted.skill,
        type=found.skill["type"],
        key_id=caller.key_id,
        inputs=inputs,
        prompt=wanted.prompt,
        wide_reach=own and not caller.is_publishable,
        public_view=not own,
        source=wanted.source,
    )


async def _enqueue(platform: Platform, job: NewJob, ticket: Ticket | None) -> Kept | None:
    now: Micros = platform.clock()

    async def effect(tx: Transaction) -> Kept | StoredEvent:
        twin = await idempotency.remember(tx, ticket, status=201, resource_id=job.id, now=now)
        if twin is not None:
            return twin
        event = await store.enqueue(tx, job, now=now)
        await platform.queue.put(tx, job.id)
        return event

    try:
        done = await platform.db.write(effect)
    except store.DeploymentGone:
        raise Refused(
            "version_not_found", f"version {job.version} of `{job.skillpack}` was just deleted"
        ) from None
    if isinstance(done, Kept):
        return done
    platform.queue.wake()
    return None


async def submit_child(
    tx: Transaction, parent: Row, job: NewJob, *, now: Micros
) -> StoredEvent | None:
    """Queue a child and give it its parent's slot; None when the parent was fenced off."""
    if not await store.wait_for_child(tx, job_id=parent["id"], attempt=parent["attempt"]):
        return None
    return await store.enqueue(tx, job, now=now)
