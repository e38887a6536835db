"""Agents that no manifest lists: a one-off prompt, and a prompt file among a skill's references.

A prompt runs beside a deployment: that of the skillpack it was sent with, or of the skill that
starts it. Sent with none it runs beside an empty one, in a skillpack that each workspace gets at
its first such prompt and that nobody else sees: its slug begins with `@`, as no other's can.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from puras.bundle.agent_skill import ENTRYPOINT, OUTPUT_SCHEMA
from puras.server.clock import Micros, new_id
from puras.server.db.database import Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.bundles import ARCHIVES, archive_name
from puras.server.deployments.store import Deployment, NewDeployment
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.wire import ManifestSkill

if TYPE_CHECKING:
    from puras.server.platform import Platform

INLINE: Final = "@inline"
"""What a one-off prompt is called where a skill's name stands, and the skillpack for those that
were sent with none."""

_REFERENCES: Final = "/references/"
_OWN_FOLDERS: Final = ("uploads/", "jobs/")
_INHERITED: Final[tuple[str, ...]] = (
    "text_model",
    "image_model",
    "video_model",
    "audio_model",
    "disable_bash",
    "bash_secrets",
    "tools",
    "allowed_tools",
    "tool_limits",
    "cache_ttl",
)
_EMPTY_ZIP: Final = b"PK\x05\x06" + bytes(18)


def owner_of(skill_name: str) -> str:
    """Return the skill that a reference belongs to; any other name is its own owner."""
    return skill_name.partition(_REFERENCES)[0]


def reference_name(owner: str, path: str) -> str:
    """Name the agent whose prompt is a file of a skill, such as `references/tone.md`."""
    return f"{owner}/{path}"


def skill_of(row: Row, deployment: Deployment) -> ManifestSkill:
    """Return the skill that a job runs, made up for a prompt or a reference."""
    name, inputs = row["skill_name"], json.loads(row["inputs"])
    if row["prompt"] is not None:
        return prompt_skill(inputs)
    skill = deployment.skill(owner_of(name))
    assert skill is not None, "a deployment's manifest never changes"
    return skill if skill["name"] == name else reference_skill(skill, name, inputs)


def prompt_skill(inputs: Mapping[str, Any]) -> ManifestSkill:
    """Make the skill of a one-off prompt, which takes any inputs and gives an answer."""
    return _agent(INLINE, ENTRYPOINT, "A one-off prompt.", inputs)


def reference_skill(owner: ManifestSkill, name: str, inputs: Mapping[str, Any]) -> ManifestSkill:
    """Make the skill of a prompt file; models, tools and limits are its owner's."""
    entrypoint = name.removeprefix(owner["name"]).lstrip("/")
    described = f"A prompt of `{owner['name']}`: {entrypoint}."
    extra = {key: owner["extra"][key] for key in _INHERITED if key in owner["extra"]}
    made = _agent(name, entrypoint, described, inputs)
    return {**made, "needs": owner["needs"], "parent": owner["name"], "extra": extra}


def _agent(
    name: str, entrypoint: str, description: str, inputs: Mapping[str, Any]
) -> ManifestSkill:
    return {
        "name": name,
        "type": "agentic",
        "title": None,
        "description": description,
        "entrypoint": entrypoint,
        "input_schema": {"type": "object", "properties": _file_properties(inputs)},
        "output_schema": OUTPUT_SCHEMA,
        "examples": [],
        "timeout_seconds": None,
        "process": "fresh",
        "needs": [],
        "parent": None,
        "extra": {},
    }


def _file_properties(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Declare as files what can be nothing else: nobody wrote a schema that would say so."""
    found = {name: _file_schema(value) for name, value in inputs.items()}
    return {name: schema for name, schema in found.items() if schema is not None}


def _file_schema(value: Any) -> dict[str, Any] | None:
    if isinstance(value, list) and value and all(_file_schema(item) for item in value):
        return {"type": "array", "items": {"type": "file"}}
    if isinstance(value, Mapping):
        return {"type": "file"} if isinstance(value.get("drive_path"), str) else None
    is_path = isinstance(value, str) and value.startswith(_OWN_FOLDERS) and "\n" not in value
    return {"type": "file"} if is_path else None


async def find_home(tx: Transaction, workspace_id: str) -> tuple[Skillpack, Deployment] | None:
    """Return a workspace's hidden skillpack and its empty deployment, once they were made."""
    pack = await skillpacks.hidden(tx, INLINE, workspace_id=workspace_id)
    deployment = await deployments.active(tx, pack.id) if pack else None
    return (pack, deployment) if pack and deployment else None


def future_home(workspace_id: str, *, now: Micros) -> tuple[Skillpack, Deployment]:
    """Stand in for what `make_home` will make, so that a refusal need not make it: version 0."""
    pack = Skillpack(
        id=new_id(),
        workspace_id=workspace_id,
        workspace="",
        slug=INLINE,
        name=INLINE,
        description=None,
        public=False,
        active_deployment_id=None,
        last_version=0,
        created_at=now,
    )
    new = _empty_deployment(pack)
    deployment = Deployment(
        id=new.id,
        skillpack_id=pack.id,
        workspace_id=workspace_id,
        version=0,
        is_active=False,
        size_bytes=new.size_bytes,
        sha256=new.sha256,
        notes=None,
        manifest=new.manifest,
        requirements="",
        created_at=now,
    )
    return pack, deployment


async def make_home(platform: Platform, workspace_id: str) -> tuple[Skillpack, Deployment]:
    """Return a workspace's hidden skillpack, made now if it is the first prompt."""
    now = platform.clock()

    async def make(tx: Transaction) -> tuple[Skillpack, Deployment]:
        found = await find_home(tx, workspace_id)
        if found is not None:
            return found
        pack = await skillpacks.create_hidden(tx, INLINE, workspace_id=workspace_id, now=now)
        new = _empty_deployment(pack)
        return pack, await deployments.create(tx, new, activate=True, now=now)

    async with platform.db.exclusively(ARCHIVES):
        name = archive_name(hashlib.sha256(_EMPTY_ZIP).hexdigest())
        await platform.storage.write(name, _chunks(), limit=len(_EMPTY_ZIP))
        return await platform.db.write(make)


def _empty_deployment(pack: Skillpack) -> NewDeployment:
    return NewDeployment(
        id=new_id(),
        skillpack_id=pack.id,
        workspace_id=pack.workspace_id,
        size_bytes=len(_EMPTY_ZIP),
        sha256=hashlib.sha256(_EMPTY_ZIP).hexdigest(),
        notes=None,
        manifest={"skills": []},
        requirements=(),
    )


async def _chunks() -> AsyncIterator[bytes]:
    yield _EMPTY_ZIP
