"""What a call of `subagent.run` asks for, and the skill that it means.

A bare name is a subskill of the running skill or a sibling of it, in the same deployment; a path
is looked up as the publisher of the running skill sees it, whoever called that.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from puras.errors import SkillPathError
from puras.server.db.database import Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.store import Deployment
from puras.server.jobs.store import CallKey
from puras.server.jobs.submit import check_secrets
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.skill_path import parse
from puras.wire import ManifestSkill

_NO_TIMEOUT = 24 * 3600.0
_MOST_VERSION = 2**31


@dataclass(frozen=True, slots=True)
class ChildCall:
    """A call of `subagent.run`, read. `timeout` in seconds; `key` is how it is remembered,
    `span` the step that it was made in."""

    target: str
    inputs: dict[str, Any]
    version: int | None
    timeout: float
    key: CallKey
    span: Any = None


@dataclass(frozen=True, slots=True)
class ChildTarget:
    """The skill that a child will run."""

    skillpack: Skillpack
    deployment: Deployment
    skill: ManifestSkill


def read_call(arguments: dict[str, Any]) -> ChildCall:
    """Read a call. Raises Refused where it makes no sense."""
    target, inputs = arguments.get("target"), arguments.get("inputs") or {}
    version, timeout = arguments.get("version"), arguments.get("timeout")
    if arguments.get("prompt") is not None or not target:
        raise Refused(
            "agent_not_available",
            "a prompt runs as an agent, and this server has no agent runtime: name a skill",
        )
    if not isinstance(target, str) or not isinstance(inputs, dict):
        raise Refused("invalid_request", "pass the target's name and an object of inputs")
    if version is not None and (type(version) is not int or not 0 < version < _MOST_VERSION):
        raise Refused("invalid_request", "`version` is a whole number, 1 or more")
    if timeout is not None and not (_is_number(timeout) and timeout > 0):
        raise Refused("invalid_request", "`timeout` is a number of seconds above 0")
    seconds = _NO_TIMEOUT if timeout is None else min(timeout, _NO_TIMEOUT)
    return ChildCall(target, inputs, version, seconds, _call_key(arguments), arguments.get("span"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _call_key(arguments: dict[str, Any]) -> CallKey:
    asked = {name: arguments.get(name) for name in ("target", "inputs", "prompt", "version")}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
    occurrence = arguments.get("occurrence")
    return CallKey("subagent.run", digest, occurrence if type(occurrence) is int else 0)


async def find_target(tx: Transaction, row: Row, called: ChildCall) -> ChildTarget:
    """Find a subskill, a sibling, or a skill by path, as the publisher of the running skill."""
    try:
        path = parse(called.target)
    except SkillPathError as error:
        raise Refused("invalid_request", str(error)) from None
    if path.skillpack is None:
        return await _find_near(tx, row, called, name=path.skill)
    own = await skillpacks.get(tx, row["skillpack_id"])
    assert own is not None, "a skillpack in use is never deleted"
    pack = await skillpacks.find(tx, path.skillpack, workspace_id=own.workspace_id)
    if pack is None:
        raise not_found(called)
    deployment = await _deployment(tx, pack, called.version)
    return await _runnable(tx, called, pack, deployment=deployment, names=[path.skill])


async def _find_near(tx: Transaction, row: Row, called: ChildCall, *, name: str) -> ChildTarget:
    """Find a subskill or a sibling in the same deployment, or in another version of it."""
    pack = await skillpacks.get(tx, row["skillpack_id"])
    assert pack is not None, "a skillpack in use is never deleted"
    if called.version is None:
        deployment = await deployments.get(tx, row["deployment_id"])
    else:
        deployment = await _deployment(tx, pack, called.version)
    names = [f"{row['skill_name']}/{name}", name]
    return await _runnable(tx, called, pack, deployment=deployment, names=names)


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
    if skill["type"] != "function":
        raise Refused(
            "agent_not_available",
            f"`{called.target}` runs as an agent, and this server has no agent runtime",
        )
    await check_secrets(tx, called.target, skill, skillpack_id=pack.id)
    return ChildTarget(pack, deployment, skill)


def not_found(called: ChildCall) -> Refused:
    return Refused(
        "skill_not_found",
        f"there is no skill `{called.target}` to run: check its path and that it is deployed",
    )
