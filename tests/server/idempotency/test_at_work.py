from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.clock import SECOND
from puras.server.db.database import Transaction
from puras.server.db.queries import Query
from puras.server.idempotency import store
from puras.server.idempotency.at_work import at_work
from puras.server.idempotency.store import Kept, Ticket
from puras.server.platform import Platform
from puras.server.refusals import Refused

from ..support import make_workspace, mint, open_platform

HOLD_SECONDS = 0.4


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path) as platform:
        yield platform


@pytest.fixture
async def scope(platform: Platform) -> tuple[str, str, str, str, str]:
    key = await mint(platform, await make_workspace(platform))
    return (key.id, "POST", "/v1/x", "k", "fingerprint")


@pytest.fixture
def short_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HOLD", int(HOLD_SECONDS * SECOND))


async def make(platform: Platform, ticket: Ticket | None, name: str) -> str:
    """Do the work of a request: at its end stands a resource of this name, or the earlier one."""
    async with at_work(platform, ticket, renew_seconds=HOLD_SECONDS / 8) as kept:
        if kept is not None:
            return kept.resource_id
        await platform.db.write(lambda tx: store.finish(tx, ticket, status=201, resource_id=name))
        return name


async def begin(platform: Platform, ticket: Ticket) -> Kept | None:
    """Begin as a request does, and say no more, as one does whose server was killed."""
    return await platform.db.write(lambda tx: store.begin(tx, ticket, now=platform.clock()))


async def refused(platform: Platform, ticket: Ticket) -> str:
    with pytest.raises(Refused) as caught:
        await make(platform, ticket, "never")
    return caught.value.code


async def test_what_was_made_is_given_to_repeats(
    platform: Platform, scope: tuple[str, str, str, str, str]
) -> None:
    assert await make(platform, Ticket(*scope), "first") == "first"
    assert await make(platform, Ticket(*scope), "second") == "first"
    assert await make(platform, None, "without a key") == "without a key"


@pytest.mark.parametrize("failure", [Refused("bad_bundle", "no zip"), asyncio.CancelledError()])
async def test_a_request_that_fails_lets_go_of_its_key(
    platform: Platform, scope: tuple[str, str, str, str, str], failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        async with at_work(platform, Ticket(*scope)):
            raise failure
    assert await make(platform, Ticket(*scope), "second") == "second"


@pytest.mark.usefixtures("short_hold")
async def test_a_request_at_work_keeps_its_key_however_long_it_works(
    platform: Platform, scope: tuple[str, str, str, str, str]
) -> None:
    async with at_work(platform, Ticket(*scope), renew_seconds=HOLD_SECONDS / 8):
        for _ in range(6):
            await asyncio.sleep(HOLD_SECONDS / 3)
            assert await refused(platform, Ticket(*scope)) == "idempotency_in_progress"


@pytest.mark.usefixtures("short_hold")
async def test_a_repeat_takes_the_place_of_a_request_whose_server_died(
    platform: Platform, scope: tuple[str, str, str, str, str]
) -> None:
    dead = Ticket(*scope)
    assert await begin(platform, dead) is None
    assert await refused(platform, Ticket(*scope)) == "idempotency_in_progress"
    await asyncio.sleep(HOLD_SECONDS * 1.5)
    assert await refused(platform, Ticket(*scope[:4], "another")) == "idempotency_mismatch"
    assert await make(platform, Ticket(*scope), "second") == "second"


@pytest.mark.parametrize(("hours", "code"), [(0.9, "idempotency_in_progress"), (1.1, None)])
async def test_a_server_of_an_earlier_version_has_an_hour(
    platform: Platform, scope: tuple[str, str, str, str, str], hours: float, code: str | None
) -> None:
    await begin(platform, Ticket(*scope))
    begun = platform.clock() - int(hours * 3600 * SECOND)
    as_it_was = Query("as_it_was", "UPDATE idempotency SET held_until = NULL, created_at = :begun")
    await platform.db.write(lambda tx: tx.run(as_it_was, begun=begun))
    if code is None:
        assert await make(platform, Ticket(*scope), "second") == "second"
    else:
        assert await refused(platform, Ticket(*scope)) == code


@pytest.mark.usefixtures("short_hold")
async def test_a_request_that_comes_back_after_it_lost_its_place_makes_nothing(
    platform: Platform, scope: tuple[str, str, str, str, str]
) -> None:
    frozen, repeat = Ticket(*scope), Ticket(*scope)

    async def end(tx: Transaction) -> None:
        await store.finish(tx, frozen, status=201, resource_id="first")

    await begin(platform, frozen)
    await asyncio.sleep(HOLD_SECONDS * 1.5)
    assert await begin(platform, repeat) is None
    assert not await platform.db.write(lambda tx: store.hold(tx, frozen, now=platform.clock()))
    with pytest.raises(Refused, match="taken its place"):
        await platform.db.write(end)
    await platform.db.write(lambda tx: store.abandon(tx, frozen))
    assert await refused(platform, Ticket(*scope)) == "idempotency_in_progress"
    await platform.db.write(lambda tx: store.finish(tx, repeat, status=201, resource_id="second"))
    assert await make(platform, Ticket(*scope), "third") == "second"


async def test_a_database_that_is_away_for_a_while_costs_no_hold(
    platform: Platform, scope: tuple[str, str, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = iter([True, True, False])
    held = asyncio.Event()

    async def hold(tx: Transaction, ticket: Ticket, *, now: int) -> bool:
        if next(away):
            raise ConnectionError("the database is away")
        held.set()
        return False

    monkeypatch.setattr(store, "hold", hold)
    async with at_work(platform, Ticket(*scope), renew_seconds=0.01):
        async with asyncio.timeout(10):
            await held.wait()
