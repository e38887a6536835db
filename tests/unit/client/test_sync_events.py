# Generated from tests/unit/client/test_async_events.py by scripts/unasync.py: edit that file.
# ruff: noqa: SIM117, RUF100
"""Following a job: every event once and in order, whatever the line does."""

from __future__ import annotations

import random
from contextlib import closing
from typing import Any

import pytest

from puras.client._follow import Transport
from puras.client._sync import Puras
from puras.errors import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    PurasAPIError,
    PurasConnectionError,
    StreamLineTooLongError,
)

from .scripted_server import (
    BROKEN,
    DONE,
    END,
    Answer,
    End,
    ScriptedServer,
    Seen,
    answer,
    frame,
    job,
    log,
    page,
    refusal,
    sse,
    status,
)

ENDS: list[End] = ["cut", "reset", "whole"]


def ids(client: Puras, got: list[int] | None = None, **options: Any) -> list[int]:
    """Collect the ids of a job's events, in `got` where what came before an error matters."""
    got = [] if got is None else got
    for event in client.events("j1", **options):
        got.append(event.id)
    return got


def test_a_stream_yields_its_events_and_ends_with_the_terminal_status(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse("retry: 2000\n: hi\n\n", log(1, "a\u2028b"), status(2, "succeeded")))
    with closing(sync_puras.events("j1")) as events:
        first, second = next(events), next(events)
        with pytest.raises(StopIteration):
            next(events)
    assert first.payload == {"level": "info", "message": "a\u2028b"}
    assert second.type == second["type"] == "status"
    (seen,) = server.seen
    assert str(seen) == "GET /v1/jobs/j1/stream"
    assert seen.query == {}
    assert "last-event-id" not in seen.headers
    assert seen.headers["accept"] == "text/event-stream"


def test_it_ends_at_the_terminal_status_although_the_stream_stays_open(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse(status(1, "queued"), status(2, "cancelled"), log(3), end="stall"))
    assert ids(sync_puras) == [1, 2]
    server.wait_until_open(0)


def test_it_ends_at_end_which_is_not_yielded(sync_puras: Puras, server: ScriptedServer) -> None:
    server.will_answer(sse(log(1), END, log(2), end="stall"))
    assert ids(sync_puras) == [1]


def test_only_a_status_event_is_terminal(sync_puras: Puras, server: ScriptedServer) -> None:
    ended = {**log(1), "type": "subagent_end", "payload": {"status": "succeeded"}}
    bare = {**log(2), "payload": None}
    server.will_answer(sse(ended, bare, status(3, "running"), log(4), END))
    assert ids(sync_puras) == [1, 2, 3, 4]


def test_after_id_leaves_out_what_was_seen(sync_puras: Puras, server: ScriptedServer) -> None:
    server.will_answer(sse(log(6), log(7), log(8), END))
    assert ids(sync_puras, after_id=7) == [8]
    assert server.seen[0].query == {"after": "7"}
    assert server.seen[0].headers["last-event-id"] == "7"


@pytest.mark.parametrize("end", ["whole", "cut", "reset", "stall"])
def test_a_stream_that_stops_before_the_job_is_resumed_after_the_last_id(
    sync_puras: Puras, server: ScriptedServer, end: Any
) -> None:
    half = frame(log(3))[:-1]
    server.will_answer(sse(log(1), log(2), half, end=end), sse(log(2), log(3), END))
    assert ids(sync_puras, transport="sse") == [1, 2, 3]
    assert [seen.query.get("after") for seen in server.seen] == [None, "2"]
    assert server.seen[1].headers["last-event-id"] == "2"


@pytest.mark.parametrize(
    "trouble",
    [
        page("<html>captive portal</html>"),
        answer([]),
        Answer(200, b"data: {}\n\n"),
        Answer(204, end="cut"),
        BROKEN,
        sse("data: not json\n\n"),
        refusal(408, "slow"),
        refusal(429, "rate_limited", Retry_After="0"),
        refusal(503, "not_ready"),
    ],
)
def test_what_is_no_stream_counts_as_a_drop(
    sync_puras: Puras, server: ScriptedServer, trouble: Answer
) -> None:
    server.will_answer(sse(log(1), end="cut"), *[trouble] * 3, sse(log(2), end="cut"))
    server.will_answer(*[trouble] * 3, sse(status(3, "failed")))
    assert ids(sync_puras, transport="sse") == [1, 2, 3]


def test_five_drops_without_a_new_event_end_a_forced_stream(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), end="cut"), *[sse(log(1), end="cut")] * 4)
    got: list[int] = []
    with pytest.raises(PurasConnectionError, match="broke 5 times without a new event after 1"):
        ids(sync_puras, got, transport="sse")
    assert got == [1]
    assert len(server.seen) == 5


def test_five_drops_without_a_new_event_turn_auto_to_polling(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), end="cut"), *[BROKEN] * 4, answer([log(2), status(3, "failed")]))
    assert ids(sync_puras) == [1, 2, 3]
    assert server.asked[-1] == "GET /v1/jobs/j1/events"
    assert server.seen[-1].query == {"after": "1", "limit": "1000"}


def test_auto_polls_at_once_where_a_stream_can_not_be_opened(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(refusal(405, "method_not_allowed"), answer([status(1, "succeeded")]))
    assert ids(sync_puras) == [1]
    assert server.asked == ["GET /v1/jobs/j1/stream", "GET /v1/jobs/j1/events"]


def test_a_forced_stream_that_can_not_be_opened_raises(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(refusal(400, "odd"))
    with pytest.raises(BadRequestError):
        ids(sync_puras, transport="sse")


@pytest.mark.parametrize(
    ("code", "kind"),
    [(401, AuthenticationError), (403, PermissionDeniedError), (404, NotFoundError)],
)
@pytest.mark.parametrize("transport", ["auto", "sse"])
def test_losing_the_right_to_read_raises_also_in_the_middle(
    sync_puras: Puras,
    server: ScriptedServer,
    code: int,
    kind: type[PurasAPIError],
    transport: Transport,
) -> None:
    server.will_answer(sse(log(1), end="cut"), refusal(code, "no"))
    got: list[int] = []
    with pytest.raises(kind):
        ids(sync_puras, got, transport=transport)
    assert got == [1]


def test_a_line_over_four_mebibytes_is_an_error_with_that_name(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), "data: " + "x" * (4 * 1024 * 1024), end="stall"))
    got: list[int] = []
    with pytest.raises(StreamLineTooLongError, match="transport='poll'"):
        ids(sync_puras, got)
    assert got == [1]
    server.wait_until_open(0)


def test_breaking_out_frees_the_connection(sync_puras: Puras, server: ScriptedServer) -> None:
    server.will_answer(sse(log(1), log(2), end="stall"), answer(job()))
    for event in sync_puras.events("j1"):
        assert event.id == 1
        break
    sync_puras.get("j1")
    server.wait_until_open(1)


def test_closing_the_iterator_frees_the_connection_at_once(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(sse(log(1), log(2), end="stall"))
    with closing(sync_puras.events("j1")) as events:
        assert (next(events)).id == 1
        server.wait_until_open(1)
    server.wait_until_open(0)
    with pytest.raises(StopIteration):
        next(events)


def test_a_hundred_and_one_iterations_left_leave_no_connection(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.play = lambda seen: sse(log(1), end="stall")
    for _ in range(101):
        with closing(sync_puras.events("j1")) as events:
            next(events)
    server.wait_until_open(0)


def test_polling_pages_until_the_terminal_event(sync_puras: Puras, server: ScriptedServer) -> None:
    server.will_answer(
        answer([log(1), log(2)]), answer([]), answer([log(2), log(3), status(4, "failed"), log(5)])
    )
    assert ids(sync_puras, transport="poll", poll_interval=0.001) == [1, 2, 3, 4]
    assert [seen.query["after"] for seen in server.seen] == ["0", "2", "2"]


def test_polling_asks_for_the_job_after_three_empty_pages_and_reads_one_more(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    empty = [answer([])] * 3
    server.will_answer(*empty, answer(job()), *empty, answer(DONE), answer([log(1)]))
    assert ids(sync_puras, transport="poll", poll_interval=0.001) == [1]
    pages, asks = ["GET /v1/jobs/j1/events"], ["GET /v1/jobs/j1"]
    assert server.asked == [*pages * 3, *asks, *pages * 3, *asks, *pages]


def test_polling_raises_what_the_server_refuses(sync_puras: Puras, server: ScriptedServer) -> None:
    server.will_answer(refusal(404, "job_not_found"))
    with pytest.raises(NotFoundError):
        ids(sync_puras, transport="poll")


def test_polling_refuses_a_page_that_is_no_list_of_events(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    server.will_answer(answer({"events": []}))
    with pytest.raises(PurasConnectionError, match="is api_base right"):
        ids(sync_puras, transport="poll")


def test_an_unknown_transport_is_refused_before_any_request(
    sync_puras: Puras, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match="'carrier-pigeon' is not one of auto, sse, poll"):
        sync_puras.events("j1", transport="carrier-pigeon")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="job id is empty"):
        sync_puras.events("")
    assert server.seen == []


@pytest.mark.parametrize("seed", range(8))
def test_a_line_cut_at_random_bytes_yields_every_event_exactly_once(
    sync_puras: Puras, server: ScriptedServer, seed: int
) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    events = [log(n, "märchen 🐉\u2028" * chance.randrange(9)) for n in range(1, 40)]
    events.append(status(40, "succeeded"))

    def play(seen: Seen) -> Answer:
        after = max(int(seen.query.get("after", 0)) - chance.randrange(3), 0)
        body = "".join(frame(event) for event in events[after:]).encode()
        cut = chance.randrange(400, 4000)
        end = chance.choice(ENDS)
        return Answer(200, body[:cut], {"Content-Type": "text/event-stream"}, end, 97)

    server.play = play
    assert ids(sync_puras, transport="auto") == list(range(1, 41))
    assert len(server.seen) > 1
    assert all(seen.path.endswith("/stream") for seen in server.seen)
