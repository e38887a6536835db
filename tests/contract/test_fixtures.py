"""Both Python clients do what every fixture of the contract demands."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest

from puras import AsyncPuras, Puras
from puras.client._core import Policy
from puras.client._sse import Decoder, ServerSentEvent

from ..unit.client.scripted_server import ScriptedServer
from .fixtures import (
    FOLDER,
    JOB_ID,
    FaultyLine,
    arguments,
    cases,
    check_error,
    check_requests,
    response,
)

PARTS = 6
KINDS = [Puras, AsyncPuras]
QUICK = Policy(first_backoff=0.001, longest_backoff=0.002, stream_silence=0.2)
CALLS = cases("calls/*.json")
FAULTS = cases("faults/*.json")
DECODED = cases("decoder/*.json")
ONCE = [case for case in FAULTS if not any(c.get("cut") == "every" for c in case["connections"])]
EVERYWHERE = [case for case in FAULTS if case not in ONCE]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


def made(kind: type[Any], server: ScriptedServer, **options: Any) -> Any:
    client = kind(api_base=server.url, **options)
    client._policy = QUICK
    return client


async def outcome(client: Any, method: str, given: dict[str, Any]) -> Any:
    value = getattr(client, method)(**given)
    return await value if inspect.isawaitable(value) else value


async def close(client: Any) -> None:
    closing = client.close()
    if closing is not None:
        await closing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CALLS, ids=lambda case: case["name"])
async def test_a_call_does_what_its_fixture_says(
    server: ScriptedServer, kind: type[Any], case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PURAS_API_KEY", raising=False)
    server.will_answer(*[response(exchange["response"]) for exchange in case["exchanges"]])
    collected: list[int] = []
    given = arguments(case["call"]["arguments"], collected)
    client = None
    try:
        client = made(kind, server, **case["client"])
        returned = await outcome(client, case["call"]["method"], given)
    except Exception as raised:
        if "raises" not in case:
            raise
        check_error(case["raises"], raised)
    else:
        assert returned == case["returns"]
    finally:
        if client is not None:
            await close(client)
    check_requests(case["exchanges"], server.seen)
    assert collected == case.get("yields", [])


async def followed(client: Any, case: Any) -> AsyncIterator[int]:
    options = {"transport": case["transport"], "after_id": case.get("after_id", 0)}
    events = client.events(JOB_ID, poll_interval=0.001, **options)
    if isinstance(client, Puras):
        for event in events:
            yield event.id
    else:
        async with aclosing(events):
            async for event in events:
                yield event.id


async def follow(server: ScriptedServer, client: Any, case: Any, line: FaultyLine) -> None:
    server.play = line
    got: list[int] = []
    try:
        async for event_id in followed(client, case):
            got.append(event_id)  # noqa: PERF401
    except Exception as raised:
        if "raises" not in case:
            raise
        check_error(case["raises"], raised)
    else:
        assert "raises" not in case
    assert got == case["yields"]
    assert line.pages == []


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, server: ScriptedServer) -> AsyncIterator[Any]:
    client = made(request.param, server, api_key="puras_live_abcdefgh.s3cret")
    yield client
    await close(client)


@pytest.mark.parametrize("case", ONCE, ids=lambda case: case["name"])
async def test_a_broken_line_yields_what_its_fixture_says(
    server: ScriptedServer, client: Any, case: Any
) -> None:
    line = FaultyLine(case)
    await follow(server, client, case, line)
    assert line.connections == []


@pytest.mark.parametrize("case", EVERYWHERE, ids=lambda case: case["name"])
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_line_cut_anywhere_yields_what_its_fixture_says(
    server: ScriptedServer, client: Any, case: Any, part: int
) -> None:
    size = len((FOLDER / f"streams/{case['stream']}.sse").read_bytes())
    assert size > 1000
    for cut in range(part, size + 1, PARTS):
        await follow(server, client, case, FaultyLine(case, cut))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("streams/*.sse")), ids=lambda path: path.stem)
def test_a_stream_cut_at_any_byte_decodes_to_its_messages(path: Path) -> None:
    body = path.read_bytes()
    wanted = json.loads(path.with_suffix(".json").read_text())["messages"]
    for cut in range(len(body) + 1):
        decoder = Decoder()
        messages = [*decoder.feed(body[:cut]), *decoder.feed(body[cut:])]
        assert [message._asdict() for message in messages] == wanted, cut


@pytest.mark.parametrize("case", DECODED, ids=lambda case: case["name"])
def test_a_stream_cut_at_any_two_bytes_decodes_as_the_standard_says(case: Any) -> None:
    body, wanted = case["stream"].encode(), [message(each) for each in case["messages"]]
    edges = range(len(body) + 1)
    for first, second in combinations_with_replacement(edges, 2):
        parts = body[:first], body[first:second], body[second:]
        assert decoded(*parts) == wanted, (first, second)
    assert decoded(*(body[at : at + 1] for at in edges)) == wanted


def message(told: dict[str, str]) -> ServerSentEvent:
    return ServerSentEvent(told.get("event", "message"), told["data"], told.get("id", ""))


def decoded(*parts: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [each for part in parts for each in decoder.feed(part)]


def test_there_are_fixtures_of_every_kind() -> None:
    assert len(DECODED) >= 50
    assert len(CALLS) > 50
    assert len(ONCE) > 15
    assert len(EVERYWHERE) == 1
    assert len(list(FOLDER.glob("streams/*.sse"))) == len(list(FOLDER.glob("streams/*.json"))) == 3


def test_the_names_of_fixtures_are_unique() -> None:
    names = [case["name"] for case in CALLS + FAULTS + DECODED]
    assert len(set(names)) == len(names)
