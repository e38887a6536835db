"""What the client sends for each call, and what it makes of the answers."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.client._async import AsyncPuras
from puras.client._core import Policy
from puras.errors import (
    InsufficientCreditsError,
    JobError,
    MissingKeyError,
    NotFoundError,
    PurasConnectionError,
    PurasTimeoutError,
    SkillPathError,
)

from .scripted_server import DONE, Answer, ScriptedServer, answer, job, log, page, refusal, sse
from .scripted_server import status as status_event

SKILLPACK_ID = "01939f3e-0000-7000-8000-000000000001"


async def test_submit_sends_the_skill_its_inputs_and_the_key(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("queued"), 201))
    submitted = await async_puras.submit("ad", {"product": "tea"})
    assert submitted.status == submitted["status"] == "queued"
    (seen,) = server.seen
    assert str(seen) == "POST /v1/jobs"
    assert seen.query == {"skillpack": "ads"}
    assert seen.json == {"skill": "ad", "inputs": {"product": "tea"}}
    assert seen.headers["authorization"] == "Bearer puras_live_k.s"
    assert seen.headers["user-agent"].startswith("puras-python/")
    assert len(seen.headers["idempotency-key"]) == 32


@pytest.mark.parametrize(
    ("skill", "skillpack", "query", "name"),
    [
        ("ad", None, {"skillpack": "ads"}, "ad"),
        ("ad", "other", {"skillpack": "other"}, "ad"),
        ("ad", "acme/other", {"skillpack": "acme/other"}, "ad"),
        ("ad", SKILLPACK_ID, {"skillpack_id": SKILLPACK_ID}, "ad"),
        ("own/ad", "other", {"skillpack": "own"}, "ad"),
        (" /acme/own/ad/ ", None, {"skillpack": "acme/own"}, "ad"),
    ],
)
async def test_a_skills_path_names_its_skillpack_and_wins_over_any_default(
    async_puras: AsyncPuras,
    server: ScriptedServer,
    skill: str,
    skillpack: str | None,
    query: dict[str, str],
    name: str,
) -> None:
    server.will_answer(answer(job("queued"), 201))
    await async_puras.submit(skill, skillpack=skillpack)
    assert server.seen[0].query == query
    assert server.seen[0].json == {"skill": name, "inputs": {}}


async def test_a_bare_skill_without_a_skillpack_is_refused_before_any_request(
    server: ScriptedServer,
) -> None:
    async with AsyncPuras("k", api_base=server.url) as client:
        with pytest.raises(SkillPathError, match="no skillpack for 'ad'"):
            await client.submit("ad")
    assert server.seen == []


async def test_submit_pins_a_version_and_takes_the_callers_idempotency_key(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("queued"), 201))
    await async_puras.submit("ad", version=3, idempotency_key="order-7")
    assert server.seen[0].query == {"skillpack": "ads", "version": "3"}
    assert server.seen[0].headers["idempotency-key"] == "order-7"


async def test_a_waiting_submit_returns_a_failed_job_without_raising(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("failed", error="boom"), 201))
    done = await async_puras.submit("ad", wait=True, timeout=20)
    assert done.error == "boom"
    assert server.seen[0].query == {"skillpack": "ads", "wait": "true", "timeout": "20"}


async def test_a_waiting_submit_of_a_minute_at_most_returns_the_job_as_it_is(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("running"), 201))
    assert (await async_puras.submit("ad", wait=True, timeout=60)).status == "running"
    assert server.asked == ["POST /v1/jobs"]


async def test_a_longer_waiting_submit_goes_on_with_polls(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("running"), 201), answer(job("running")), answer(DONE))
    done = await async_puras.submit("ad", wait=True, timeout=90)
    assert done.result == {"answer": 42}
    assert server.asked == ["POST /v1/jobs", "GET /v1/jobs/j1", "GET /v1/jobs/j1"]
    assert server.seen[0].query["timeout"] == "60"


async def test_run_returns_the_result(async_puras: AsyncPuras, server: ScriptedServer) -> None:
    server.will_answer(answer(job("queued"), 201), answer(job()), answer(DONE))
    assert await async_puras.run("ad", poll_interval=0.01) == {"answer": 42}
    assert server.seen[1].query == {"wait": "0.01"}


async def test_run_returns_an_empty_dict_for_a_job_without_a_result(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("succeeded"), 201))
    assert await async_puras.run("ad") == {}


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_run_raises_the_job_that_did_not_succeed(
    async_puras: AsyncPuras, server: ScriptedServer, end: str
) -> None:
    server.will_answer(answer(job("queued"), 201), answer(job(end, error="boom")))
    with pytest.raises(JobError, match=f"job j1 {end}: boom") as raised:
        await async_puras.run("ad")
    assert raised.value.job["status"] == end
    assert isinstance(raised.value, RuntimeError)


async def test_run_raises_the_job_that_is_still_running_at_the_timeout(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.play = lambda seen: answer(job("running"))
    with pytest.raises(JobError, match="job j1 running: it was not over at the timeout"):
        await async_puras.run("ad", timeout=0.05, poll_interval=0.02)


async def test_run_hands_each_event_to_the_callback_once_and_in_order(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    got: list[int] = []

    async def on_event(event: Any) -> None:
        got.append(event.id)

    server.will_answer(
        answer(job("queued"), 201),
        sse(log(1), log(2), end="cut"),
        sse(log(2), log(3), status_event(4, "succeeded")),
        answer(DONE),
    )
    assert await async_puras.run("ad", on_event=on_event) == {"answer": 42}
    assert got == [1, 2, 3, 4]


async def test_run_takes_a_plain_function_as_callback(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    got: list[Any] = []
    server.will_answer(
        answer(job("queued"), 201), sse(status_event(1, "failed")), answer(job("failed"))
    )
    with pytest.raises(JobError):
        await async_puras.run("ad", on_event=got.append)
    assert [event.type for event in got] == ["status"]


async def test_run_with_a_callback_raises_at_the_timeout_although_the_stream_is_silent(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    got: list[Any] = []
    silent = sse(log(1), end="stall")
    async_puras._policy = async_puras._policy._replace(stream_silence=30.0)
    server.will_answer(answer(job("queued"), 201), silent, answer(job()))
    with pytest.raises(JobError, match="job j1 running"):
        await async_puras.run("ad", timeout=0.5, on_event=got.append)
    assert [event.id for event in got] == [1]
    assert server.asked[1:] == ["GET /v1/jobs/j1/stream", "GET /v1/jobs/j1"]


async def test_a_slow_callback_does_not_lengthen_the_silence_that_follows_it(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    called: list[float] = []

    def on_event(event: Any) -> None:
        called.append(time.monotonic())
        time.sleep(1.0)

    server.will_answer(answer(job("queued"), 201), sse(log(1), end="stall"), answer(job()))
    async_puras._policy = async_puras._policy._replace(stream_silence=30.0)
    with pytest.raises(JobError, match="job j1 running"):
        await async_puras.run("ad", timeout=1.2, on_event=on_event)
    assert time.monotonic() - called[0] < 2.0


async def test_what_the_callback_raises_ends_the_run_and_frees_the_stream(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    def on_event(event: Any) -> None:
        raise LookupError(event.id)

    server.will_answer(answer(job("queued"), 201), sse(log(1), end="stall"))
    with pytest.raises(LookupError):
        await async_puras.run("ad", on_event=on_event)
    server.wait_until_open(0)


async def test_get_fetches_a_job_with_its_unknown_fields(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job(mood="fine")))
    fetched = await async_puras.get("j1")
    assert fetched.mood == fetched["mood"] == "fine"
    assert server.seen[0].query == {}


async def test_get_quotes_the_job_id(async_puras: AsyncPuras, server: ScriptedServer) -> None:
    server.will_answer(refusal(404, "job_not_found"))
    with pytest.raises(NotFoundError) as raised:
        await async_puras.get("a b?c")
    assert (raised.value.code, raised.value.request_id) == ("job_not_found", "r-1")
    assert server.asked == ["GET /v1/jobs/a b?c"]


async def test_an_empty_job_id_is_refused_before_any_request(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match="the job id is empty"):
        await async_puras.get("")
    assert server.seen == []


async def test_wait_returns_the_job_last_seen_when_the_time_is_up(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.play = lambda seen: answer(job("running", polls=len(server.seen)))
    await async_puras.get("j1")
    seen = await async_puras.wait("j1", timeout=1.0, poll_interval=0.02)
    assert seen.status == "running"
    assert seen.polls == len(server.seen) >= 3


async def test_wait_without_time_asks_once_and_holds_nothing(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job()))
    assert (await async_puras.wait("j1", timeout=0)).status == "running"
    assert [seen.query for seen in server.seen] == [{}]


async def test_cancel_returns_the_cancelled_job(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(job("cancelled")))
    assert (await async_puras.cancel("j1")).status == "cancelled"
    assert server.asked == ["POST /v1/jobs/j1/cancel"]


async def test_feedback_sends_only_what_was_said(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer({"job_id": "j1", "rating": -1}), answer({"job_id": "j1"}))
    assert (await async_puras.feedback("j1", rating=-1))["rating"] == -1
    await async_puras.feedback("j1", comment="fine", end_user_id="u1")
    assert server.seen[0].json == {"rating": -1}
    assert server.seen[1].json == {"rating": 0, "comment": "fine", "end_user_id": "u1"}
    assert server.asked[0] == "POST /v1/jobs/j1/feedback"


STORED = {"drive_path": "uploads/cat.png", "size_bytes": 3, "mime": "image/png"}


async def test_upload_sends_the_file_at_a_path(
    async_puras: AsyncPuras, server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89P\n")
    server.will_answer(answer(STORED, 201), answer(STORED, 201))
    assert await async_puras.upload(tmp_path / "cat.png") == STORED
    await async_puras.upload(os.fspath(tmp_path / "cat.png"), path="in/tom.png")
    first, second = server.seen
    assert str(first) == "POST /v1/drive/upload"
    assert b'name="file"; filename="cat.png"\r\nContent-Type: image/png' in first.body
    assert b"\r\n\r\n\x89P\n\r\n" in first.body
    assert b'name="path"\r\n\r\nin/tom.png' in second.body
    assert first.headers["idempotency-key"] in first.headers["content-type"]


async def test_upload_takes_bytes_and_file_objects_from_their_beginning(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(STORED, 201), answer(STORED, 201))
    half_read = io.BytesIO(b"whole")
    half_read.read(2)
    await async_puras.upload(half_read)
    await async_puras.upload(b"plain", path="notes/a.txt")
    assert b"\r\n\r\nwhole\r\n" in server.seen[0].body
    assert b'filename="a.txt"\r\nContent-Type: text/plain' in server.seen[1].body


async def test_upload_sends_a_pipe_whose_length_nobody_knows(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(answer(STORED, 201))
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        await async_puras.upload(pipe)
    assert server.seen[0].headers["transfer-encoding"] == "chunked"
    assert b"\r\n\r\nfrom a pipe\r\n" in server.seen[0].body


async def test_upload_refuses_a_text_file(async_puras: AsyncPuras) -> None:
    with pytest.raises(TypeError, match="binary mode"):
        await async_puras.upload(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("reply", [page("<html>hi</html>"), answer([1]), Answer(204, end="cut")])
async def test_a_success_that_is_no_json_object_is_not_from_the_api(
    async_puras: AsyncPuras, server: ScriptedServer, reply: Answer
) -> None:
    server.will_answer(reply)
    with pytest.raises(PurasConnectionError, match="is api_base right"):
        await async_puras.get("j1")
    assert len(server.seen) == 1


async def test_a_server_that_says_nothing_is_a_timeout(server: ScriptedServer) -> None:
    server.will_answer(Answer(None, end="stall"))
    async with AsyncPuras("k", api_base=server.url, timeout=0.5, max_retries=0) as client:
        client._policy = Policy(hold_margin=0.0)
        with pytest.raises(PurasTimeoutError, match="ReadTimeout"):
            await client.get("j1")


async def test_a_given_http_client_is_used_and_not_closed(server: ScriptedServer) -> None:
    server.will_answer(answer(job()))
    async with httpx2.AsyncClient(headers={"X-Mine": "yes"}) as http:
        async with AsyncPuras("k", api_base=f"{server.url}/", http_client=http) as client:
            await client.get("j1")
        assert not http.is_closed
    assert server.seen[0].headers["x-mine"] == "yes"


async def test_closing_frees_every_connection_and_ends_the_client(
    server: ScriptedServer,
) -> None:
    client = AsyncPuras("k", api_base=server.url)
    server.will_answer(answer(job()))
    await client.get("j1")
    server.wait_until_open(1)
    await client.close()
    server.wait_until_open(0)
    with pytest.raises(RuntimeError, match="this client is closed"):
        await client.get("j1")


async def test_key_and_base_come_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PURAS_API_KEY", " from-the-environment\n")
    monkeypatch.setenv("PURAS_API_BASE", server.url + "/")
    server.will_answer(answer(job()))
    async with AsyncPuras() as client:
        await client.get("j1")
        assert repr(client) == f"AsyncPuras(api_base='{server.url}')"
    assert server.seen[0].headers["authorization"] == "Bearer from-the-environment"


async def test_no_key_is_an_error_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PURAS_API_KEY", raising=False)
    with pytest.raises(MissingKeyError, match="PURAS_API_KEY"):
        AsyncPuras()
    with pytest.raises(ValueError, match="PURAS_API_KEY"):
        AsyncPuras("")


async def test_a_refusal_keeps_every_fault_that_the_server_named(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    faults = [{"path": "product", "message": "is required"}]
    server.will_answer(answer({"detail": "no", "code": "invalid_inputs", "errors": faults}, 400))
    with pytest.raises(RuntimeError, match="product: is required"):
        await async_puras.submit("ad")


async def test_running_out_of_money_is_told_at_once(
    async_puras: AsyncPuras, server: ScriptedServer
) -> None:
    server.will_answer(refusal(402, "insufficient_credits"))
    with pytest.raises(InsufficientCreditsError, match="402 insufficient_credits: no"):
        await async_puras.submit("ad")
    assert len(server.seen) == 1
