from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from puras.server import start
from puras.server.billing import store as billing
from puras.server.caller import Power
from puras.server.clock import now
from puras.server.db.database import Database
from puras.server.db.queries import Query
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.settings import BadSetting, Settings
from puras.server.start import Start

ONE, TWO = (tokens.mint("secret").text for _ in range(2))


async def begin(db: Database, **settings: Any) -> Start:
    configured = Settings(home=Path("/nowhere"), **settings)
    return await start.prepare(db, settings=configured, now=now())


async def power(db: Database, text: str) -> Power | None:
    """Return what a key can do now, None where it opens nothing."""
    token = tokens.required(text)
    found = await db.read(lambda tx: keys.find_caller(tx, token.prefix))
    if found is None or found.secret_hash != token.secret_hash or not found.is_alive(now()):
        return None
    assert found.caller.workspace == "local"
    return found.caller.power


async def key_id_of(db: Database, text: str) -> str:
    found = await db.read(lambda tx: keys.find_caller(tx, tokens.required(text).prefix))
    assert found is not None
    return found.caller.key_id


async def count_keys(db: Database) -> int:
    row = await db.read(lambda tx: tx.one(Query("count", "SELECT count(*) AS n FROM keys")))
    assert row is not None
    return int(row["n"])


async def test_the_first_start_makes_local_and_one_unfenced_key(db: Database) -> None:
    first = await begin(db, starting_credits_usd=12.5)
    assert (first.workspace.slug, first.workspace.balance_micros) == ("local", 12_500_000)
    assert first.first is not None
    assert await power(db, first.first.text) is Power.FULL
    assert first.first.text not in repr(first)
    assert first.first.link not in repr(first)
    rows = await db.read(lambda tx: billing.ledger(tx, first.workspace.id))
    assert [(row.kind, row.amount_micros) for row in rows] == [("grant", 12_500_000)]


async def test_a_second_start_makes_nothing_and_shows_nothing(db: Database) -> None:
    first = await begin(db)
    again = await begin(db, starting_credits_usd=5)
    assert again == Start(first.workspace)
    assert first.first is not None
    assert await power(db, first.first.text) is Power.FULL


async def test_a_bootstrap_key_is_the_first_key_at_every_start(db: Database) -> None:
    for _ in range(2):
        assert (await begin(db, bootstrap_key=ONE)).first is None
        assert await power(db, ONE) is Power.FULL
    assert await count_keys(db) == 1


async def test_a_changed_bootstrap_key_revokes_the_former(db: Database) -> None:
    await begin(db, bootstrap_key=ONE)
    await begin(db, bootstrap_key=TWO)
    assert [await power(db, ONE), await power(db, TWO)] == [None, Power.FULL]
    await begin(db, bootstrap_key=ONE)
    assert [await power(db, ONE), await power(db, TWO)] == [Power.FULL, None]


async def test_a_bootstrap_key_with_a_new_secret_under_its_prefix_replaces_the_former(
    db: Database,
) -> None:
    changed = ONE[:-1] + ("a" if ONE[-1] != "a" else "b")
    await begin(db, bootstrap_key=ONE)
    await begin(db, bootstrap_key=changed)
    assert [await power(db, ONE), await power(db, changed)] == [None, Power.FULL]


async def test_a_revoked_bootstrap_key_is_good_again_after_a_start(db: Database) -> None:
    local = (await begin(db, bootstrap_key=ONE)).workspace
    key_id = await key_id_of(db, ONE)
    await db.write(lambda tx: keys.revoke(tx, workspace_id=local.id, key_id=key_id, now=now()))
    assert await power(db, ONE) is None
    await begin(db, bootstrap_key=ONE)
    assert await power(db, ONE) is Power.FULL


async def test_the_first_key_may_be_made_the_bootstrap_key(db: Database) -> None:
    begun = (await begin(db)).first
    assert begun is not None
    first = begun.text
    await begin(db, bootstrap_key=first)
    assert await power(db, first) is Power.FULL


@pytest.mark.parametrize(
    "text",
    ["short", "x" * 52, tokens.mint("publishable").text, ONE + "x", ONE[:-1], ONE.upper()],
    ids=["short", "no-prefix", "publishable", "too-long", "too-short", "upper-case"],
)
async def test_a_malformed_bootstrap_key_is_refused_without_being_shown(
    db: Database, text: str
) -> None:
    with pytest.raises(BadSetting, match="PURAS_BOOTSTRAP_KEY") as refusal:
        await begin(db, bootstrap_key=text)
    assert text not in str(refusal.value)


async def test_a_bootstrap_key_with_another_key_s_prefix_is_refused_and_changes_nothing(
    db: Database,
) -> None:
    begun = (await begin(db)).first
    assert begun is not None
    first = begun.text
    await begin(db, bootstrap_key=ONE)
    clash = first[:-1] + ("a" if first[-1] != "a" else "b")
    with pytest.raises(BadSetting, match="prefix"):
        await begin(db, bootstrap_key=clash)
    assert [await power(db, text) for text in (first, ONE, clash)] == [Power.FULL] * 2 + [None]


async def test_a_required_key_holds_for_the_starts_that_name_it(db: Database) -> None:
    for text in (ONE, "any words will do"):
        await begin(db, require_key=text)
        assert await power(db, text) is Power.FULL
    assert await power(db, ONE) is None
    await begin(db)
    assert await power(db, "any words will do") is None


async def test_the_first_or_bootstrap_key_may_be_required_too(db: Database) -> None:
    begun = (await begin(db)).first
    assert begun is not None
    first = begun.text
    await begin(db, require_key=first)
    await begin(db, bootstrap_key=ONE, require_key=ONE)
    await begin(db, bootstrap_key=ONE)
    assert [await power(db, first), await power(db, ONE)] == [Power.FULL] * 2


async def test_a_publishable_key_can_not_be_the_required_one(db: Database, tmp_path: Path) -> None:
    text = tokens.mint("publishable").text
    with pytest.raises(BadSetting, match="publishable"):
        await start.prepare(db, settings=Settings(home=tmp_path, require_key=text), now=1)
