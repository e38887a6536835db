"""Workspaces: who owns skillpacks, keys, files and a wallet.

A workspace is made together with the ledger row of its starting credits, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from puras.server.billing.store import post
from puras.server.clock import Micros, new_id
from puras.server.db.database import Row, Transaction, UniqueViolation
from puras.server.db.queries import load
from puras.server.refusals import Refused
from puras.server.workspaces.reserved import RESERVED_SLUGS
from puras.skill_path import SLUG

QUERIES = load(__file__)


@dataclass(frozen=True, slots=True)
class Workspace:
    """`concurrency` is None where the server's own limit holds."""

    id: str
    slug: str
    name: str
    balance_micros: int
    concurrency: int | None
    created_at: Micros


async def create(
    tx: Transaction, *, slug: str, name: str, grant_micros: int, now: Micros
) -> Workspace:
    """Make a workspace that starts with `grant_micros` in its wallet.

    Raises:
        Refused: `invalid_request` for a slug that breaks the rule or is reserved, `slug_taken`.
    """
    if not SLUG.fullmatch(slug):
        raise Refused(
            "invalid_request",
            f"{slug!r} is no slug: use 1 to 64 of a-z, 0-9, `_`, `-`, and start with a-z or 0-9",
        )
    if slug in RESERVED_SLUGS:
        raise Refused(
            "invalid_request",
            f"`{slug}` is a path of the server's own: choose another slug, such as `{slug}-team`",
        )
    workspace_id = new_id()
    try:
        await tx.run(QUERIES.insert, id=workspace_id, slug=slug, name=name, created_at=now)
    except UniqueViolation:
        raise Refused(
            "slug_taken", f"there is a workspace `{slug}` already: choose another slug"
        ) from None
    if grant_micros > 0:
        await post(
            tx,
            workspace_id=workspace_id,
            kind="grant",
            amount_micros=grant_micros,
            note="starting credits",
            now=now,
        )
    return Workspace(workspace_id, slug, name, max(grant_micros, 0), None, now)


async def get(tx: Transaction, workspace_id: str) -> Workspace | None:
    return _workspace_or_none(await tx.one(QUERIES.by_id, id=workspace_id))


async def by_slug(tx: Transaction, slug: str) -> Workspace | None:
    return _workspace_or_none(await tx.one(QUERIES.by_slug, slug=slug))


async def limit(tx: Transaction, workspace_id: str, *, concurrency: int | None) -> None:
    """Set how many runs of a workspace there may be at once; None: what the server sets for all."""
    await tx.run(QUERIES.limit, id=workspace_id, concurrency=concurrency)


async def every(tx: Transaction) -> list[Workspace]:
    """Return all workspaces, oldest first."""
    return [_workspace(row) for row in await tx.all(QUERIES.every)]


def _workspace_or_none(row: Row | None) -> Workspace | None:
    return None if row is None else _workspace(row)


def _workspace(row: Row) -> Workspace:
    return Workspace(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        balance_micros=row["balance_micros"],
        concurrency=row["concurrency"],
        created_at=row["created_at"],
    )
