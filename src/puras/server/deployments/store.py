"""Deployments: immutable versions of a skillpack, counted 1, 2, 3, and which one is active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.refusals import Refused
from puras.wire import Manifest, ManifestSkill

QUERIES = load(__file__)


@dataclass(frozen=True, slots=True)
class Deployment:
    """`requirements` are the lines that its environment is built from, `sha256` its archive."""

    id: str
    skillpack_id: str
    workspace_id: str
    version: int
    is_active: bool
    size_bytes: int
    sha256: str
    notes: str | None
    manifest: Manifest
    requirements: str
    created_at: Micros

    def skill(self, name: str) -> ManifestSkill | None:
        """Return a skill by its name, a subskill as `parent/sub`."""
        return next((skill for skill in self.manifest["skills"] if skill["name"] == name), None)

    def skill_names(self) -> list[str]:
        """Return the skills that can be called from outside: subskills belong to their parents."""
        return [skill["name"] for skill in self.manifest["skills"] if skill["parent"] is None]


@dataclass(frozen=True, slots=True)
class NewDeployment:
    """A bundle that passed every check."""

    id: str
    skillpack_id: str
    workspace_id: str
    size_bytes: int
    sha256: str
    notes: str | None
    manifest: Manifest
    requirements: Sequence[str]


async def create(tx: Transaction, new: NewDeployment, *, activate: bool, now: Micros) -> Deployment:
    """Give a bundle the next version of its skillpack.

    Raises:
        Refused: `skillpack_not_found`, where the skillpack was deleted meanwhile.
    """
    counted = await tx.one(
        QUERIES.next_version, skillpack_id=new.skillpack_id, workspace_id=new.workspace_id
    )
    if counted is None:
        raise Refused("skillpack_not_found", "the skillpack was just deleted: create it again")
    await tx.run(
        QUERIES.insert,
        id=new.id,
        skillpack_id=new.skillpack_id,
        workspace_id=new.workspace_id,
        version=counted["last_version"],
        size_bytes=new.size_bytes,
        sha256=new.sha256,
        notes=new.notes,
        manifest=msgspec.json.encode(new.manifest).decode(),
        requirements="\n".join(new.requirements),
        created_at=now,
    )
    if activate:
        await tx.run(QUERIES.activate, skillpack_id=new.skillpack_id, deployment_id=new.id)
    made = await get(tx, new.id)
    assert made is not None, "it was inserted above"
    return made


async def get(tx: Transaction, deployment_id: str) -> Deployment | None:
    """Return a deployment that was not deleted."""
    return _deployment_or_none(await tx.one(QUERIES.by_id, id=deployment_id))


async def by_version(tx: Transaction, skillpack_id: str, version: int) -> Deployment | None:
    row = await tx.one(QUERIES.by_version, skillpack_id=skillpack_id, version=version)
    return _deployment_or_none(row)


async def active(tx: Transaction, skillpack_id: str) -> Deployment | None:
    return _deployment_or_none(await tx.one(QUERIES.active, skillpack_id=skillpack_id))


async def active_skills(tx: Transaction, skillpack_id: str) -> set[str]:
    """Return the names of the skills that can be called in the active deployment."""
    deployment = await active(tx, skillpack_id)
    return set() if deployment is None else set(deployment.skill_names())


async def skill(tx: Transaction, deployment_id: str, name: str) -> ManifestSkill | None:
    deployment = await get(tx, deployment_id)
    return None if deployment is None else deployment.skill(name)


async def page(
    tx: Transaction, skillpack_id: str, *, limit: int, before: str | None
) -> list[Deployment]:
    """Return a skillpack's deployments, newest first."""
    rows = await tx.all(QUERIES.page, skillpack_id=skillpack_id, limit=limit, before=before)
    return [_deployment(row) for row in rows]


async def every(tx: Transaction, skillpack_id: str) -> list[Deployment]:
    return [_deployment(row) for row in await tx.all(QUERIES.every, skillpack_id=skillpack_id)]


async def of_skillpack(tx: Transaction, skillpack_id: str, *, deployment_id: str) -> Deployment:
    """Return a deployment of a skillpack.

    Raises:
        Refused: `deployment_not_found`, also for one of another skillpack.
    """
    found = await get(tx, deployment_id.lower())
    if found is None or found.skillpack_id != skillpack_id:
        raise Refused(
            "deployment_not_found",
            f"there is no deployment `{deployment_id}` in this skillpack: list its deployments",
        )
    return found


async def activate(tx: Transaction, deployment: Deployment) -> Deployment:
    """Let new jobs use a deployment; queued and running ones keep theirs."""
    await tx.run(
        QUERIES.activate, skillpack_id=deployment.skillpack_id, deployment_id=deployment.id
    )
    return replace(deployment, is_active=True)


async def check_idle(tx: Transaction, deployment: Deployment) -> None:
    """Refuse `deployment_in_use` while jobs of a deployment are not over."""
    job = await tx.one(QUERIES.unfinished_job, id=deployment.id)
    if job is not None:
        raise Refused(
            "deployment_in_use",
            f"version {deployment.version} has jobs that are not over, such as {job['id']}: wait "
            "for them or cancel them",
        )


async def delete(tx: Transaction, deployment: Deployment, *, now: Micros) -> None:
    """Delete a deployment; its row and number stay. Raises Refused (`deployment_in_use`).

    The look for jobs comes after the change, which a submit at the same time waits for.
    """
    await tx.run(QUERIES.delete, id=deployment.id, now=now)
    await check_idle(tx, deployment)


async def uses_archive(tx: Transaction, sha256: str) -> bool:
    """Tell whether any deployment, of whichever workspace, needs an archive."""
    return await tx.one(QUERIES.with_sha256, sha256=sha256) is not None


async def kept(tx: Transaction) -> list[Row]:
    """Return id, workspace and requirements of every deployment that was not deleted."""
    return await tx.all(QUERIES.kept)


async def archives(tx: Transaction) -> set[str]:
    """Return the SHA-256 of every archive that some deployment needs."""
    return {row["sha256"] for row in await tx.all(QUERIES.every_sha256)}


def _deployment_or_none(row: Row | None) -> Deployment | None:
    return None if row is None else _deployment(row)


def _deployment(row: Row) -> Deployment:
    return Deployment(
        id=row["id"],
        skillpack_id=row["skillpack_id"],
        workspace_id=row["workspace_id"],
        version=row["version"],
        is_active=bool(row["is_active"]),
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        notes=row["notes"],
        manifest=msgspec.json.decode(row["manifest"]),
        requirements=row["requirements"],
        created_at=row["created_at"],
    )
