from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.clock import SECOND, parse_iso
from puras.server.db.queries import Query
from puras.server.keys import store, tokens
from puras.server.platform import Platform
from puras.server.refusals import Refused

from ..support import HandClock, make_workspace, mint, open_platform

MINUTE = 60 * SECOND
ROWS = Query("rows", "SELECT minute, count FROM key_submits WHERE key_id = :key_id")


@pytest.fixture
def clock() -> HandClock:
    return HandClock(parse_iso("2026-06-01T12:00:00Z"))


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as platform:
        yield platform


@pytest.fixture
async def workspace_id(platform: Platform) -> str:
    return await make_workspace(platform)


async def count(platform: Platform, key_id: str, *, rate: int) -> None:
    await platform.db.write(
        lambda tx: store.count_submit(tx, key_id=key_id, rate=rate, now=platform.clock())
    )


async def test_a_key_submits_up_to_its_rate_in_a_minute(
    platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id)
    clock.moment += 20 * SECOND + 1
    for _ in range(3):
        await count(platform, key.id, rate=3)
    with pytest.raises(Refused, match="3 times a minute") as caught:
        await count(platform, key.id, rate=3)
    assert (caught.value.code, caught.value.status) == ("rate_limited", 429)
    assert caught.value.retry_after == 40
    clock.moment += 40 * SECOND
    await count(platform, key.id, rate=3)


async def test_of_many_submits_at_once_as_many_pass_as_the_rate_allows(
    platform: Platform, workspace_id: str
) -> None:
    key = await mint(platform, workspace_id)
    outcomes = await asyncio.gather(
        *(count(platform, key.id, rate=10) for _ in range(50)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 10
    assert sum(isinstance(outcome, Refused) for outcome in outcomes) == 40


async def test_each_key_has_a_rate_of_its_own(platform: Platform, workspace_id: str) -> None:
    first, second = await mint(platform, workspace_id), await mint(platform, workspace_id)
    await count(platform, first.id, rate=1)
    await count(platform, second.id, rate=1)


async def test_counters_of_past_minutes_are_removed(
    platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id)
    for _ in range(3):
        await count(platform, key.id, rate=9)
        clock.moment += MINUTE
    rows = await platform.db.read(lambda tx: tx.all(ROWS, key_id=key.id))
    assert [(row["minute"], row["count"]) for row in rows] == [(clock.moment // MINUTE - 1, 1)]


async def install(
    platform: Platform, workspace_id: str, token: tokens.Token, *, origin: store.Origin
) -> str:
    return await platform.db.write(
        lambda tx: store.install(
            tx, token, workspace_id=workspace_id, origin=origin, name="op", now=platform.clock()
        )
    )


async def alive(platform: Platform, prefix: str) -> bool:
    credential = await platform.db.read(lambda tx: store.find_caller(tx, prefix))
    return credential is not None and credential.is_alive(platform.clock())


async def test_an_installed_key_stays_the_same_row_at_every_start(
    platform: Platform, workspace_id: str
) -> None:
    token = tokens.mint("secret")
    first = await install(platform, workspace_id, token, origin="bootstrap")
    assert await install(platform, workspace_id, token, origin="bootstrap") == first
    assert await alive(platform, token.prefix)


async def test_a_changed_installed_key_revokes_the_former_of_its_origin_alone(
    platform: Platform, workspace_id: str
) -> None:
    former, latter, other = (tokens.mint("secret") for _ in range(3))
    await install(platform, workspace_id, former, origin="bootstrap")
    await install(platform, workspace_id, other, origin="required")
    await install(platform, workspace_id, latter, origin="bootstrap")
    assert not await alive(platform, former.prefix)
    assert await alive(platform, latter.prefix)
    assert await alive(platform, other.prefix)
    await install(platform, workspace_id, former, origin="bootstrap")
    assert await alive(platform, former.prefix)
    assert not await alive(platform, latter.prefix)


async def test_an_installed_key_with_a_new_secret_replaces_the_old_secret(
    platform: Platform, workspace_id: str
) -> None:
    for text in ("first", "second"):
        await install(platform, workspace_id, tokens.required(text), origin="required")
    token = tokens.required("second")
    found = await platform.db.read(lambda tx: store.find_caller(tx, token.prefix))
    assert found is not None
    assert found.secret_hash == token.secret_hash


async def test_a_key_can_not_be_installed_over_another_key(
    platform: Platform, workspace_id: str
) -> None:
    minted = await mint(platform, workspace_id)
    token = tokens.parse(minted.text)
    assert token is not None
    with pytest.raises(store.TokenTaken, match=token.prefix):
        await install(platform, workspace_id, token, origin="bootstrap")


async def test_the_key_of_an_origin_can_be_taken_away(
    platform: Platform, workspace_id: str
) -> None:
    token = tokens.mint("secret")
    await install(platform, workspace_id, token, origin="required")
    await platform.db.write(lambda tx: store.revoke_origin(tx, "required", now=platform.clock()))
    assert not await alive(platform, token.prefix)
