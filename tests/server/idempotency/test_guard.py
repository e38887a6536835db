from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from puras import wire
from puras.server.caller import Power
from puras.server.clock import DAY
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.idempotency import store
from puras.server.idempotency.guard import replayed, take_ticket
from puras.server.idempotency.store import Kept, Ticket
from puras.server.platform import Platform
from puras.server.refusals import Refused

from ..support import HandClock, Minted, make_workspace, mint, open_platform, problem, serving

routes = Routes("echo")


@routes.post("/v1/fingerprints", needs=Power.PUBLISHABLE, body=wire.SubmitBody)
@routes.post("/v1/others/{name}", needs=Power.PUBLISHABLE, body=wire.SubmitBody)
async def fingerprint(call: Call) -> Reply:
    """Show the request's ticket."""
    ticket = take_ticket(call)
    return Reply(None if ticket is None else [*ticket.scope.values(), ticket.fingerprint])


@routes.post("/v1/parts", needs=Power.PUBLISHABLE)
async def parts(call: Call) -> Reply:
    """Show the fingerprint of a body in parts."""
    ticket = take_ticket(call, parts=[("file", b"\x01\xff"), ("notes", call.query["notes"])])
    return replayed(ticket and ticket.fingerprint, Kept(202, "x"))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as platform:
        yield platform


@pytest.fixture
async def key(platform: Platform) -> Minted:
    return await mint(platform, await make_workspace(platform))


@pytest.fixture
async def client(platform: Platform, key: Minted) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as client:
        client.headers.update({**key.headers, "Idempotency-Key": "k"})
        yield client


async def show(client: httpx2.AsyncClient, url: str, content: bytes = b'{"a":1}') -> list[str]:
    shown: list[str] = (await client.post(url, content=content)).json()
    return shown


async def test_a_request_without_an_idempotency_key_has_no_ticket(
    client: httpx2.AsyncClient,
) -> None:
    del client.headers["Idempotency-Key"]
    assert (await client.post("/v1/fingerprints", json={})).json() is None


async def test_the_scope_is_the_api_key_the_method_the_path_and_the_idempotency_key(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    assert (await show(client, "/v1/others/x%2Fy"))[:4] == [key.id, "POST", "/v1/others/x%2Fy", "k"]


async def test_how_long_the_client_waits_is_no_part_of_what_it_asks_for(
    client: httpx2.AsyncClient,
) -> None:
    same = {
        tuple(await show(client, f"/v1/fingerprints?{query}"))
        for query in (
            "a=1&b=2",
            "b=2&a=1",
            "a=1&b=2&wait=true&timeout=9",
            "wait=1&b=%32&a=1",
        )
    }
    assert len(same) == 1


async def test_another_query_or_body_is_another_request(client: httpx2.AsyncClient) -> None:
    shown = {
        tuple(await show(client, url, content))
        for url, content in [
            ("/v1/fingerprints", b'{"a":1}'),
            ("/v1/fingerprints", b'{"a": 1}'),
            ("/v1/fingerprints?a=1", b'{"a":1}'),
            ("/v1/fingerprints?a=1&a=2", b'{"a":1}'),
        ]
    }
    assert len(shown) == 4


async def test_a_body_in_parts_counts_by_its_parts(client: httpx2.AsyncClient) -> None:
    answers = [await client.post(f"/v1/parts?wait=1&notes={notes}") for notes in ("a", "a", "b")]
    first, same, other = [answer.json() for answer in answers]
    assert first == same != other
    assert answers[0].status_code == 202
    assert answers[0].headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("length", [0, 256])
async def test_an_idempotency_key_has_1_to_255_characters(
    client: httpx2.AsyncClient, length: int
) -> None:
    response = await client.post(
        "/v1/fingerprints", json={}, headers={"Idempotency-Key": "x" * length}
    )
    assert problem(response) == (422, "invalid_request")


def ticket(key: Minted, fingerprint: str = "f", *, path: str = "/v1/x") -> Ticket:
    return Ticket(key.id, "POST", path, "k", fingerprint)


async def test_the_first_request_is_remembered_and_found_again(
    platform: Platform, key: Minted
) -> None:
    async def remember(tx: Transaction, id: str) -> Kept | None:
        return await store.remember(tx, ticket(key), status=201, resource_id=id, now=1)

    assert await platform.db.read(lambda tx: store.find(tx, ticket(key))) is None
    assert await platform.db.write(lambda tx: remember(tx, "first")) is None
    assert await platform.db.write(lambda tx: remember(tx, "second")) == Kept(201, "first")
    assert await platform.db.read(lambda tx: store.find(tx, ticket(key))) == Kept(201, "first")
    elsewhere = ticket(key, path="/v1/y")
    assert await platform.db.read(lambda tx: store.find(tx, elsewhere)) is None


async def test_of_twins_in_one_moment_the_effect_happens_once(
    platform: Platform, key: Minted
) -> None:
    async def effect(tx: Transaction, id: str) -> str:
        kept = await store.remember(tx, ticket(key), status=201, resource_id=id, now=1)
        return kept.resource_id if kept else id

    made = await asyncio.gather(
        *(platform.db.write(lambda tx, id=str(n): effect(tx, id)) for n in range(20))
    )
    assert len(set(made)) == 1


async def test_another_request_under_the_same_key_is_a_mismatch(
    platform: Platform, key: Minted
) -> None:
    await platform.db.write(
        lambda tx: store.remember(tx, ticket(key), status=201, resource_id="r", now=1)
    )
    with pytest.raises(Refused) as caught:
        await platform.db.read(lambda tx: store.find(tx, ticket(key, "other")))
    assert (caught.value.status, caught.value.code) == (422, "idempotency_mismatch")


async def test_a_refused_effect_keeps_nothing(platform: Platform, key: Minted) -> None:
    async def effect(tx: Transaction) -> None:
        await store.remember(tx, ticket(key), status=201, resource_id="r", now=1)
        raise Refused("insufficient_credits", "top up")

    with pytest.raises(Refused, match="insufficient_credits"):
        await platform.db.write(effect)
    assert await platform.db.read(lambda tx: store.find(tx, ticket(key))) is None


async def test_a_request_at_work_is_in_progress_until_it_finishes(
    platform: Platform, key: Minted
) -> None:
    first = ticket(key)
    assert await platform.db.write(lambda tx: store.begin(tx, first, now=1)) is None
    for begin in (
        lambda tx: store.begin(tx, ticket(key), now=2),
        lambda tx: store.find(tx, ticket(key)),
    ):
        with pytest.raises(Refused) as caught:
            await platform.db.write(begin)
        assert (caught.value.status, caught.value.code) == (409, "idempotency_in_progress")
        assert caught.value.retry_after == 1
    await platform.db.write(lambda tx: store.finish(tx, first, status=201, resource_id="made"))
    await platform.db.write(lambda tx: store.abandon(tx, first))
    again = await platform.db.write(lambda tx: store.begin(tx, ticket(key), now=3))
    assert again == Kept(201, "made")


async def test_what_a_server_that_is_gone_had_begun_can_be_made_again(
    platform: Platform, key: Minted
) -> None:
    assert await platform.db.write(lambda tx: store.begin(tx, ticket(key), now=2)) is None
    assert await platform.db.write(store.abandon_all) == 1
    assert await platform.db.write(lambda tx: store.begin(tx, ticket(key), now=3)) is None


async def test_without_a_ticket_nothing_is_kept(platform: Platform) -> None:
    async def everything(tx: Transaction) -> list[Kept | None]:
        await store.finish(tx, None, status=201, resource_id="r")
        return [
            await store.find(tx, None),
            await store.remember(tx, None, status=201, resource_id="r", now=1),
        ]

    assert await platform.db.write(everything) == [None, None]
    assert await platform.db.write(lambda tx: store.prune(tx, before=2**60)) == 0


async def test_old_requests_are_forgotten(
    platform: Platform, key: Minted, clock: HandClock
) -> None:
    for age, path in [(2 * DAY, "/v1/old"), (0, "/v1/new")]:
        made_at = clock() - age
        await platform.db.write(
            lambda tx, path=path, made_at=made_at: store.remember(
                tx, ticket(key, path=path), status=201, resource_id="r", now=made_at
            )
        )
    assert await platform.db.write(lambda tx: store.prune(tx, before=clock() - DAY)) == 1
    kept = await platform.db.read(lambda tx: store.find(tx, ticket(key, path="/v1/new")))
    assert kept == Kept(201, "r")
