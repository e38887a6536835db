"""What a call of `subagent.run` asks for, and the skill that it means.

A bare name is a subskill of the running skill or a sibling of it, in the same deployment;
`references/…` is a prompt file of the running skill, a prompt is an agent beside its deployment; a
path is looked up as the publisher of the running skill sees it, whoever called that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from puras.errors import SkillPathError
from puras.server.db.database import Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.store import Deployment
from puras.server.jobs.calls import CallKey
from puras.server.jobs.checks import check_secrets
from puras.server.jobs.inline import (
    INLINE,
    owner_of,
    prompt_skill,
    reference_name,
    reference_skill,
)
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.skill_path import parse
from puras.wire import MAX_PROMPT_CHARACTERS, ManifestSkill

_NO_TIMEOUT = 24 * 3600.0
_MOST_VERSION = 2**31
_MOST_LABEL = 200
_REFERENCES = "references/"


@dataclass(frozen=True, slots=True)
class ChildCall:
    """A call of a child, read: of a `target`, or of a `prompt`. `timeout` in seconds; `key` is how
    it is remembered, `span` the step that it was made in."""

    target: str
    inputs: dict[str, Any]
    key: CallKey
    prompt: str | None = None
    version: int | None = None
    timeout: float = _NO_TIMEOUT
    label: str = ""
    span: Any = None

    @property
    def title(self) -> str:
        """What events call the child."""
        return (self.label or self.target)[:_MOST_LABEL]

    @property
    def is_reference(self) -> bool:
        return self.target.startswith(_REFERENCES)


@dataclass(frozen=True, slots=True)
class ChildTarget:
    """The skill that a child will run."""

    skillpack: Skillpack
    deployment: Deployment
    skill: ManifestSkill

    @property
    def is_inline(self) -> bool:
        return self.skill["name"] == INLINE


def read_call(arguments: Mapping[str, Any], *, key: CallKey | None = None) -> ChildCall:
    """Read a call, remembered by its arguments unless there is a `key` for it.

    Raises:
        Refused: `invalid_request`, where it makes no sense.
    """
    target, prompt = arguments.get("target"), arguments.get("prompt")
    inputs, label = arguments.get("inputs") or {}, arguments.get("label") or ""
    version, timeout = arguments.get("version"), arguments.get("timeout")
    if (not target) == (prompt is None):
        raise Refused("invalid_request", "pass either `target` or `prompt`, and not both")
    if prompt is not None:
        _check_prompt(prompt)
    if not isinstance(target or "", str) or not isinstance(inputs, dict):
        raise Refused("invalid_request", "pass the target's name and an object of inputs")
    if version is not None and (type(version) is not int or not 0 < version < _MOST_VERSION):
        raise Refused("invalid_request", "`version` is a whole number, 1 or more")
    if timeout is not None and not (_is_number(timeout) and timeout > 0):
        raise Refused("invalid_request", "`timeout` is a number of seconds above 0")
    return ChildCall(
        target=target or INLINE,
        inputs=inputs,
        key=key or _call_key(arguments),
        prompt=prompt,
        version=version,
        timeout=_NO_TIMEOUT if timeout is None else min(timeout, _NO_TIMEOUT),
        label=label if isinstance(label, str) else "",
        span=arguments.get("span"),
    )


def _check_prompt(prompt: Any) -> None:
    if not isinstance(prompt, str) or not prompt.strip() or len(prompt) > MAX_PROMPT_CHARACTERS:
        raise Refused("invalid_request", f"a prompt has 1 to {MAX_PROMPT_CHARACTERS:,} characters")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _call_key(arguments: Mapping[str, Any]) -> CallKey:
    asked = {name: arguments.get(name) for name in ("target", "inputs", "prompt", "version")}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
    occurrence = arguments.get("occurrence")
    return CallKey("subagent.run", digest, occurrence if type(occurrence) is int else 0)


async def find_target(tx: Transaction, row: Row, called: ChildCall) -> ChildTarget:
    """Find what a call means; the file of a reference is for the caller to look at.

    Raises:
        Refused: `skill_not_found`, `secrets_missing`, `invalid_request`.
    """
    if called.prompt is not None or called.is_reference:
        return await _find_agent(tx, row, called)
    try:
        path = parse(called.target)
    except SkillPathError as error:
        raise Refused("invalid_request", str(error)) from None
    own = await _own_skillpack(tx, row)
    if path.skillpack is None:
        deployment = await _own_deployment(tx, row, own, called.version)
        names = [f"{owner_of(row['skill_name'])}/{path.skill}", path.skill]
        return await _runnable(tx, called, own, deployment=deployment, names=names)
    pack = await skillpacks.find(tx, path.skillpack, workspace_id=own.workspace_id)
    if pack is None:
        raise not_found(called)
    deployment = await _deployment(tx, pack, called.version)
    return await _runnable(tx, called, pack, deployment=deployment, names=[path.skill])


async def _find_agent(tx: Transaction, row: Row, called: ChildCall) -> ChildTarget:
    """Make an agent of a prompt, or of a prompt file of the running skill."""
    own = await _own_skillpack(tx, row)
    deployment = await _own_deployment(tx, row, own, called.version)
    if deployment is None:
        raise not_found(called)
    if called.prompt is not None:
        return ChildTarget(own, deployment, prompt_skill(called.inputs))
    owner = deployment.skill(owner_of(row["skill_name"]))
    if owner is None:
        raise not_found(called)
    name = reference_name(owner["name"], called.target)
    return ChildTarget(own, deployment, reference_skill(owner, name, called.inputs))


async def _own_skillpack(tx: Transaction, row: Row) -> Skillpack:
    own = await skillpacks.get(tx, row["skillpack_id"])
    assert own is not None, "a skillpack in use is never deleted"
    return own


async def _own_deployment(
    tx: Transaction, row: Row, own: Skillpack, version: int | None
) -> Deployment | None:
    """Return the deployment that runs, or another version of it."""
    if version is None:
        return await deployments.get(tx, row["deployment_id"])
    return await _deployment(tx, own, version)


async def _deployment(tx: Transaction, pack: Skillpack, version: int | None) -> Deployment | None:
    if version is None:
        return await deployments.active(tx, pack.id)
    return await deployments.by_version(tx, pack.id, version)


async def _runnable(
    tx: Transaction,
    called: ChildCall,
    pack: Skillpack,
    *,
    deployment: Deployment | None,
    names: list[str],
) -> ChildTarget:
    skill = next((s for name in names if deployment and (s := deployment.skill(name))), None)
    if deployment is None or skill is None:
        raise not_found(called)
    await check_secrets(tx, called.target, skill, skillpack_id=pack.id)
    return ChildTarget(pack, deployment, skill)


def not_found(called: ChildCall) -> Refused:
    if called.is_reference:
        detail = f"the running skill has no file `{called.target}` with a prompt: check its path"
    else:
        detail = (
            f"there is no skill `{called.target}` to run: check its path and that it is deployed"
        )
    return Refused("skill_not_found", detail)
