"""Skillpacks: a slug in a workspace, and a pointer to the deployment that new jobs use."""

from __future__ import annotations

from dataclasses import dataclass, replace

from puras.server.clock import Micros, new_id
from puras.server.db.database import Row, Transaction, UniqueViolation
from puras.server.db.queries import load
from puras.server.refusals import Refused
from puras.skill_path import SLUG, is_uuid
from puras.wire import Fault

QUERIES = load(__file__)
_HIDDEN = "@"
_MOST_NAME = 200
_MOST_DESCRIPTION = 10_000


@dataclass(frozen=True, slots=True)
class Skillpack:
    """`workspace` is the slug of the workspace that it belongs to."""

    id: str
    workspace_id: str
    workspace: str
    slug: str
    name: str
    description: str | None
    public: bool
    active_deployment_id: str | None
    last_version: int
    created_at: Micros


async def find(tx: Transaction, reference: str, *, workspace_id: str) -> Skillpack | None:
    """Resolve an id, a slug of one's own, or `workspace/skillpack`, as far as it may be seen:
    one's own skillpacks, and the public ones of others, but never hidden ones."""
    pack = await _by_reference(tx, reference.strip().strip("/"), workspace_id=workspace_id)
    if pack is None or pack.slug.startswith(_HIDDEN):
        return None
    return pack if pack.public or pack.workspace_id == workspace_id else None


async def hidden(tx: Transaction, slug: str, *, workspace_id: str) -> Skillpack | None:
    """Return a skillpack that the server keeps for itself."""
    return await _by_reference(tx, slug, workspace_id=workspace_id)


async def create_hidden(tx: Transaction, slug: str, *, workspace_id: str, now: Micros) -> Skillpack:
    """Make a skillpack for the server itself: no list shows it and no reference leads to it. Its
    slug begins with `@`, which nobody else's can."""
    assert slug.startswith(_HIDDEN), slug
    return await _insert(tx, workspace_id=workspace_id, slug=slug, name=slug, now=now)


async def find_own(tx: Transaction, reference: str, *, workspace_id: str) -> Skillpack:
    """Resolve a reference among the workspace's own skillpacks.

    Raises:
        Refused: `skillpack_not_found`, also for what another workspace has.
    """
    pack = await find(tx, reference, workspace_id=workspace_id)
    if pack is None or pack.workspace_id != workspace_id:
        raise not_found(reference)
    return pack


async def find_to_change(tx: Transaction, reference: str, *, workspace_id: str) -> Skillpack:
    """Resolve one of the workspace's own skillpacks; nobody else changes it until the end of the
    transaction. Raises as `find_own`."""
    found = await find_own(tx, reference, workspace_id=workspace_id)
    row = await tx.one(QUERIES.by_id_to_change, id=found.id)
    if row is None:
        raise not_found(reference)
    return _skillpack(row)


def not_found(reference: str) -> Refused:
    return Refused(
        "skillpack_not_found",
        f"there is no skillpack `{reference}` in this workspace: list them, or create it",
    )


async def get(tx: Transaction, skillpack_id: str) -> Skillpack | None:
    row = await tx.one(QUERIES.by_id, id=skillpack_id)
    return None if row is None else _skillpack(row)


async def page(
    tx: Transaction, *, workspace_id: str, limit: int, before: str | None
) -> list[Skillpack]:
    """Return a workspace's skillpacks, newest first."""
    rows = await tx.all(QUERIES.page, workspace_id=workspace_id, limit=limit, before=before)
    return [_skillpack(row) for row in rows]


async def create(
    tx: Transaction,
    *,
    workspace_id: str,
    slug: str,
    name: str,
    description: str | None = None,
    public: bool = False,
    now: Micros,
) -> Skillpack:
    """Make a skillpack with nothing deployed.

    Raises:
        Refused: `invalid_request` naming every bad field, `slug_taken`.
    """
    _check(slug=slug, name=name, description=description)
    try:
        return await _insert(
            tx,
            workspace_id=workspace_id,
            slug=slug,
            name=name,
            description=description,
            public=public,
            now=now,
        )
    except UniqueViolation:
        raise _slug_taken(slug) from None


async def _insert(
    tx: Transaction,
    *,
    workspace_id: str,
    slug: str,
    name: str,
    description: str | None = None,
    public: bool = False,
    now: Micros,
) -> Skillpack:
    skillpack_id = new_id()
    await tx.run(
        QUERIES.insert,
        id=skillpack_id,
        workspace_id=workspace_id,
        slug=slug,
        name=name,
        description=description,
        public=int(public),
        created_at=now,
    )
    made = await get(tx, skillpack_id)
    assert made is not None, "it was inserted above"
    return made


async def update(
    tx: Transaction, pack: Skillpack, *, slug: str, name: str, description: str | None, public: bool
) -> Skillpack:
    """Change a skillpack; jobs and keys hold on to its id. Raises as `create`."""
    _check(slug=slug, name=name, description=description)
    try:
        await tx.run(
            QUERIES.update,
            id=pack.id,
            slug=slug,
            name=name,
            description=description,
            public=int(public),
        )
    except UniqueViolation:
        raise _slug_taken(slug) from None
    return replace(pack, slug=slug, name=name, description=description, public=public)


async def delete(tx: Transaction, pack: Skillpack, *, now: Micros) -> None:
    """Delete a skillpack whose deployments were deleted before; its slug is free again."""
    await tx.run(QUERIES.delete, id=pack.id, now=now)


async def _by_reference(tx: Transaction, reference: str, *, workspace_id: str) -> Skillpack | None:
    if is_uuid(reference):
        return await get(tx, reference.lower())
    workspace, slash, slug = reference.partition("/")
    if slash:
        row = await tx.one(QUERIES.by_path, workspace=workspace, slug=slug)
    else:
        row = await tx.one(QUERIES.by_slug, workspace_id=workspace_id, slug=reference)
    return None if row is None else _skillpack(row)


def _check(*, slug: str, name: str, description: str | None) -> None:
    faults: list[Fault] = []
    if not SLUG.fullmatch(slug):
        rule = "use 1 to 64 of a-z, 0-9, `_`, `-`, and start with a-z or 0-9"
        faults.append({"path": "$.slug", "message": rule})
    elif is_uuid(slug):
        faults.append({"path": "$.slug", "message": "it must not look like an id"})
    if not name.strip() or len(name) > _MOST_NAME:
        faults.append({"path": "$.name", "message": f"use 1 to {_MOST_NAME} characters"})
    if description is not None and len(description) > _MOST_DESCRIPTION:
        rule = f"use at most {_MOST_DESCRIPTION} characters"
        faults.append({"path": "$.description", "message": rule})
    if faults:
        told = "; ".join(f"`{fault['path']}`: {fault['message']}" for fault in faults)
        raise Refused("invalid_request", f"the skillpack can't be like this: {told}", errors=faults)


def _slug_taken(slug: str) -> Refused:
    return Refused(
        "slug_taken", f"this workspace has a skillpack `{slug}` already: choose another slug"
    )


def _skillpack(row: Row) -> Skillpack:
    return Skillpack(
        id=row["id"],
        workspace_id=row["workspace_id"],
        workspace=row["workspace"],
        slug=row["slug"],
        name=row["name"],
        description=row["description"],
        public=bool(row["public"]),
        active_deployment_id=row["active_deployment_id"],
        last_version=row["last_version"],
        created_at=row["created_at"],
    )
