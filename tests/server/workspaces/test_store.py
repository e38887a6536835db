from __future__ import annotations

import re
from pathlib import Path

import pytest

from puras.server.billing import store as billing
from puras.server.db.database import Database
from puras.server.refusals import Refused
from puras.server.workspaces import store
from puras.server.workspaces.reserved import RESERVED_SLUGS
from puras.skill_path import SLUG


async def create(db: Database, slug: str, grant: int = 0) -> store.Workspace:
    return await db.write(
        lambda tx: store.create(tx, slug=slug, name="N", grant_micros=grant, now=1)
    )


async def test_a_workspace_starts_with_its_grant_as_a_ledger_row(db: Database) -> None:
    workspace = await create(db, "acme", grant=100)
    rows = await db.read(lambda tx: billing.ledger(tx, workspace.id))
    assert [(row.kind, row.amount_micros) for row in rows] == [("grant", 100)]
    assert await db.read(lambda tx: store.get(tx, workspace.id)) == workspace


async def test_a_workspace_without_a_grant_has_an_empty_ledger(db: Database) -> None:
    workspace = await create(db, "acme")
    assert await db.read(lambda tx: billing.ledger(tx, workspace.id)) == []
    assert await db.read(lambda tx: store.by_slug(tx, "acme")) == workspace


async def test_a_taken_slug_is_refused(db: Database) -> None:
    await create(db, "acme")
    with pytest.raises(Refused, match="slug_taken") as refusal:
        await create(db, "acme")
    assert refusal.value.status == 409


@pytest.mark.parametrize("slug", ["", "A", "-a", "a b", "a" * 65, "é", "a\n"])
async def test_a_slug_that_breaks_the_rule_is_refused(db: Database, slug: str) -> None:
    with pytest.raises(Refused, match="invalid_request") as refusal:
        await create(db, slug)
    assert refusal.value.status == 422


async def test_a_path_of_the_server_s_own_is_no_slug(db: Database) -> None:
    for slug in RESERVED_SLUGS:
        with pytest.raises(Refused, match="invalid_request") as refusal:
            await create(db, slug)
        assert "choose another slug" in refusal.value.detail
    assert await db.read(store.every) == []


def test_what_the_contract_reserves_is_reserved() -> None:
    promised = "v1 health ready metrics mcp session assets login docs"
    assert set(promised.split()) <= RESERVED_SLUGS
    assert all(SLUG.fullmatch(slug) for slug in RESERVED_SLUGS)


def test_every_page_of_the_dashboard_is_reserved() -> None:
    pages = (Path(__file__).parents[3] / "dashboard" / "src" / "pages.ts").read_text("utf-8")
    first = set(re.findall(r'path: "/([\w-]+)', pages))
    assert "login" in first
    assert first <= RESERVED_SLUGS


async def test_unknown_workspaces_are_none(db: Database) -> None:
    assert await db.read(lambda tx: store.get(tx, "x")) is None
    assert await db.read(lambda tx: store.by_slug(tx, "x")) is None


async def test_all_workspaces_are_listed_oldest_first(db: Database) -> None:
    made = [await create(db, slug) for slug in ("b", "a")]
    assert await db.read(store.every) == made
