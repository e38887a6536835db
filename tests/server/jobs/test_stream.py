"""A job's stream over a real socket: its head, its backlog, its pings and its end."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from puras.client._sse import Decoder
from puras.server.db.database import Database, Work

from ..support import Minted, revoke
from .bench import ECHO, Bench, Skill, listening, open_bench

T = TypeVar("T")
PING_SECONDS = 0.3
TALK = Skill(
    "talk",
    """
    import time
    def run(lines=20, seconds=0, size=1):
        for n in range(lines):
            print(str(n) + "x" * size, flush=True)
            time.sleep(seconds)
        return {}
    """,
)
GATED = Skill(
    "gated",
    """
    import sys, time, puras
    def run():
        puras.log("waiting")
        while not puras.drive.list("go"):
            time.sleep(0.02)
        print("gone", flush=True)
        sys.stderr.write("a secret of the publisher\\n")
        puras.log("another secret", level="error")
        puras.log("no secret")
        raise ValueError("a third secret")
    """,
)


@dataclass(frozen=True)
class Listening:
    """A bench that also listens on a socket."""

    bench: Bench
    base: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.bench.client.headers["authorization"]}

    @asynccontextmanager
    async def stream(
        self, job_id: str, *, headers: dict[str, str] | None = None, **query: int
    ) -> AsyncIterator[httpx2.Response]:
        async with (
            httpx2.AsyncClient(base_url=self.base, headers=self.headers, timeout=60) as client,
            client.stream(
                "GET", f"/v1/jobs/{job_id}/stream", params=query, headers=headers
            ) as answer,
        ):
            yield answer

    async def whole(self, job_id: str, **more: int) -> str:
        """Read a stream to its end."""
        async with self.stream(job_id, **more) as answer:
            assert answer.status_code == 200
            return (await answer.aread()).decode()

    async def let_go(self) -> None:
        upload = await self.bench.client.post(
            "/v1/drive/upload", files={"file": ("go", b"1")}, data={"path": "go"}
        )
        assert upload.status_code < 300, upload.text


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Listening]:
    async with (
        open_bench(tmp_path / "data", ping_seconds=PING_SECONDS) as bench,
        listening(bench.platform) as base,
    ):
        yield Listening(bench, base)


def read(text: str) -> tuple[list[dict[str, object]], str | None]:
    """Return a stream's events, and the status that its `end` tells."""
    events, end = [], None
    for message in Decoder().feed(text.encode()):
        if message.event == "end":
            end = json.loads(message.data)["status"]
        else:
            events.append(json.loads(message.data))
    return events, end


async def until(chunks: AsyncIterator[bytes], mark: str) -> str:
    got = ""
    async for chunk in chunks:
        got += chunk.decode()
        if mark in got:
            return got
    raise AssertionError(f"the stream ended without {mark!r}: {got!r}")


async def rest(chunks: AsyncIterator[bytes]) -> str:
    return b"".join([chunk async for chunk in chunks]).decode()


async def test_the_head_comes_at_once_with_its_exact_headers(here: Listening) -> None:
    await here.bench.deploy(GATED)
    job_id = await here.bench.begin("gated")
    async with here.stream(job_id, after=1000) as answer:
        first = await anext(answer.aiter_raw())
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-length" not in answer.headers
    assert "x-request-id" in answer.headers
    assert first.startswith(b"retry: 2000\n: ")
    assert first.endswith(b"\n\n")


async def test_a_job_that_is_over_gives_its_log_and_its_end(here: Listening) -> None:
    await here.bench.deploy(TALK)
    job = await here.bench.run("talk")
    text = await here.whole(job["id"])
    events, end = read(text)
    assert events == await here.bench.events(job["id"])
    assert end == "succeeded"
    assert text.endswith('event: end\ndata: {"status": "succeeded"}\n\n')
    assert text.count("\nid: ") == text.count("\nevent: ") + len(events) - 1
    assert "\nid: 1\ndata: {" in text


@pytest.mark.parametrize(
    ("after", "last_event_id", "first"),
    [(0, None, 1), (7, None, 8), (0, "7", 8), (5, "7", 8), (7, "5", 8), (2, "x", 3), (0, "-1", 1)],
)
async def test_a_stream_resumes_after_the_larger_of_both_ids(
    here: Listening, after: int, last_event_id: str | None, first: int
) -> None:
    await here.bench.deploy(TALK)
    job = await here.bench.run("talk")
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    async with here.stream(job["id"], headers=headers, after=after) as answer:
        events, end = read((await answer.aread()).decode())
    assert [event["id"] for event in events] == list(range(first, 24))
    assert end == "succeeded"


@pytest.mark.parametrize("after", [23, 24, 10_000, 10**18 - 1])
async def test_at_or_past_the_last_id_of_a_job_that_is_over_the_end_comes_at_once(
    here: Listening, after: int
) -> None:
    await here.bench.deploy(TALK)
    job = await here.bench.run("talk")
    async with asyncio.timeout(10):
        assert read(await here.whole(job["id"], after=after)) == ([], "succeeded")


async def test_a_reader_that_is_ahead_of_a_running_job_is_told_of_its_end_at_once(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path / "data") as bench, listening(bench.platform) as base:
        here = Listening(bench, base)
        await bench.deploy(GATED)
        job_id = await bench.begin("gated")
        await bench.until_logged(job_id, "waiting")
        async with here.stream(job_id, after=1000) as answer, asyncio.timeout(5):
            chunks = answer.aiter_raw()
            await anext(chunks)
            await bench.client.post(f"/v1/jobs/{job_id}/cancel")
            assert await rest(chunks) == 'event: end\ndata: {"status": "cancelled"}\n\n'


async def test_silence_is_broken_by_pings(here: Listening) -> None:
    await here.bench.deploy(GATED)
    job_id = await here.bench.begin("gated")
    await here.bench.until_logged(job_id, "waiting")
    async with here.stream(job_id) as answer, asyncio.timeout(5):
        got = await until(answer.aiter_raw(), ": ping\n\n")
    assert read(got)[0][-1]["payload"] == {"level": "info", "message": "waiting"}


async def test_a_revoked_key_s_stream_is_closed_at_the_next_ping_without_an_end(
    here: Listening,
) -> None:
    bench = here.bench
    await bench.deploy(GATED)
    key = await bench.mint()
    job_id = await bench.begin("gated", headers=key.headers)
    async with here.stream(job_id, headers=key.headers) as answer:
        chunks = answer.aiter_raw()
        await until(chunks, "waiting")
        await revoke(bench.platform, await bench.workspace_id(), key)
        async with asyncio.timeout(PING_SECONDS * 4):
            told = await rest(chunks)
    assert "event: end" not in told


async def test_a_stream_of_a_job_that_is_kept_no_longer_is_closed_and_not_resumed(
    here: Listening,
) -> None:
    await here.bench.deploy(GATED)
    job_id = await here.bench.begin("gated")
    async with here.stream(job_id) as answer:
        chunks = answer.aiter_raw()
        await until(chunks, "waiting")
        await here.bench.alter("DELETE FROM events WHERE job_id = :id", id=job_id)
        await here.bench.alter("DELETE FROM jobs WHERE id = :id", id=job_id)
        async with asyncio.timeout(PING_SECONDS * 40):
            told = await rest(chunks)
    assert "event: end" not in told
    async with here.stream(job_id) as answer:
        assert answer.status_code == 404


async def test_a_stream_never_leaps_over_events_that_are_kept_no_longer(here: Listening) -> None:
    await here.bench.deploy(TALK)
    job = await here.bench.run("talk")
    await here.bench.alter("DELETE FROM events WHERE job_id = :id AND id <= 9", id=job["id"])
    assert read(await here.whole(job["id"], after=5)) == ([], None)
    events, end = read(await here.whole(job["id"], after=9))
    assert ([event["id"] for event in events], end) == (list(range(10, 24)), "succeeded")


async def test_a_busy_stream_of_a_revoked_key_is_closed_too(here: Listening) -> None:
    bench = here.bench
    await bench.deploy(TALK)
    key = await bench.mint()
    inputs = {"lines": 2000, "seconds": 0.01}
    job_id = await bench.begin("talk", inputs, headers=key.headers)
    async with here.stream(job_id, headers=key.headers) as answer:
        chunks = answer.aiter_raw()
        await until(chunks, "3x")
        await revoke(bench.platform, await bench.workspace_id(), key)
        async with asyncio.timeout(PING_SECONDS * 4):
            told = await rest(chunks)
    assert "event: end" not in told


async def signed_in(here: Listening, key: Minted) -> tuple[dict[str, str], str]:
    """Sign in as a browser; returns the cookie's header, and a token."""
    async with httpx2.AsyncClient(base_url=here.base, headers={"Origin": here.base}) as browser:
        answer = await browser.post("/session", json={"key": key.text})
        assert answer.status_code == 201, answer.text
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        given = await browser.post("/session/token", json={})
        return cookie | {"Origin": here.base}, str(given.json()["token"])


async def test_a_stream_of_a_signed_in_browser_outlives_its_token_but_not_its_session(
    here: Listening,
) -> None:
    bench = here.bench
    await bench.deploy(GATED)
    cookie, token = await signed_in(here, await bench.mint())
    job_id = await bench.begin("gated")
    headers = {"Authorization": f"Bearer {token}"}
    async with here.stream(job_id, headers=headers) as answer:
        chunks = answer.aiter_raw()
        await until(chunks, "waiting")
        await bench.alter("DELETE FROM session_tokens")
        balance = await bench.client.get("/v1/billing/balance", headers=headers)
        assert balance.status_code == 401
        async with asyncio.timeout(PING_SECONDS * 20):
            await until(chunks, ": ping\n\n")
            await until(chunks, ": ping\n\n")
        async with httpx2.AsyncClient(base_url=here.base) as browser:
            assert (await browser.delete("/session", headers=cookie)).status_code == 204
        async with asyncio.timeout(PING_SECONDS * 20):
            told = await rest(chunks)
    assert "event: end" not in told


async def test_publishable_keys_see_the_same_events_without_what_is_the_publisher_s_own(
    here: Listening,
) -> None:
    bench = here.bench
    await bench.deploy(GATED)
    pub = await bench.mint(kind="publishable")
    await bench.alter("UPDATE keys SET kind = 'secret' WHERE id = :id", id=pub.id)
    job_id = await bench.begin("gated")
    await here.let_go()
    full = (await bench.get(job_id, wait="20")), read(await here.whole(job_id))[0]
    await bench.alter("UPDATE keys SET kind = 'publishable' WHERE id = :id", id=pub.id)
    await bench.alter("UPDATE jobs SET key_id = :id", id=pub.id)
    async with here.stream(job_id, headers=pub.headers) as answer:
        public = read((await answer.aread()).decode())[0]
    listed = await bench.events(job_id, headers=pub.headers)
    job = (await bench.client.get(f"/v1/jobs/{job_id}", headers=pub.headers)).json()
    assert public == listed
    assert [(e["id"], e["ts"], e["type"]) for e in public] == [
        (e["id"], e["ts"], e["type"]) for e in full[1]
    ]
    assert "secret" in json.dumps(full)
    hidden = json.dumps([public, job]).replace("no secret", "")
    assert "secret" not in hidden
    assert {"level": "error", "message": "hidden", "redacted": True} in [
        event["payload"] for event in public
    ]
    assert job["error_code"] == "function_error"
    assert job["error"]
    assert public[-1]["payload"]["error"] == job["error"]


async def test_the_text_of_a_user_error_reaches_publishable_keys(here: Listening) -> None:
    bench = here.bench
    code = "import puras\ndef run():\n    raise puras.UserError('the photo is too dark')\n"
    await bench.deploy(Skill("picky", code))
    pub = await bench.mint(kind="publishable")
    job = await bench.run("picky", headers=pub.headers)
    assert job["error"] == "the photo is too dark"
    assert (await bench.events(job["id"], headers=pub.headers))[-1]["payload"]["error"] == (
        "the photo is too dark"
    )


async def test_two_hundred_readers_of_one_job_all_see_exactly_its_log(here: Listening) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    await here.bench.deploy(TALK)
    job_id = await here.bench.begin("talk", {"lines": 200, "seconds": 0.004})
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=here.base, headers=here.headers, timeout=90, limits=limits
    ) as client:
        answers = await asyncio.gather(
            *(client.get(f"/v1/jobs/{job_id}/stream") for _ in range(200))
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    log = await here.bench.events(job_id)
    assert len(log) == 203
    for answer in answers:
        assert read(answer.text) == (log, "succeeded")


async def test_readers_that_stall_slow_nobody_cost_little_and_lose_nothing(
    here: Listening,
) -> None:
    bench = here.bench
    await bench.deploy(TALK)
    job_id = await bench.begin("talk", {"lines": 3000, "size": 4000})
    before = _resident_bytes()
    stalled = [await _open_and_stall(here, job_id) for _ in range(20)]
    async with asyncio.timeout(90):
        events, end = read(await here.whole(job_id))
        job = await bench.get(job_id, wait="20")
    grown = _resident_bytes() - before
    assert (end, job["status"], len(events)) == ("succeeded", "succeeded", 3003)
    assert grown < 100 * 1024 * 1024, "twenty times twelve megabytes were not kept for them"
    async with asyncio.timeout(90):
        late = [await _read_on(reader) for reader in stalled[:2]]
    for reader in stalled:
        reader.close()
    assert late == [(events, end), (events, end)]


async def _open_and_stall(here: Listening, job_id: str) -> socket.socket:
    """Ask for a stream and never read it."""
    host, port = here.base.removeprefix("http://").split(":")
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(reader, (host, int(port)))
    request = (
        f"GET /v1/jobs/{job_id}/stream HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: {here.headers['Authorization']}\r\n\r\n"
    )
    await loop.sock_sendall(reader, request.encode())
    return reader


async def _read_on(reader: socket.socket) -> tuple[list[dict[str, object]], str | None]:
    """Read a stalled stream to its end, which is the end of its one answer."""
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    got, loop = bytearray(), asyncio.get_running_loop()
    while not got.endswith(b"\r\n0\r\n\r\n"):
        more = await loop.sock_recv(reader, 1 << 20)
        assert more, "the stream was cut"
        got += more
    return read(_body(bytes(got)).decode())


def _body(answer: bytes) -> bytes:
    """Put the chunks of an answer together."""
    at, parts = answer.index(b"\r\n\r\n") + 4, []
    while at < len(answer):
        begin = answer.index(b"\r\n", at) + 2
        end = begin + int(answer[at:begin], 16)
        parts.append(answer[begin:end])
        at = end + 2
    return b"".join(parts)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Counting:
    """A database that counts how often it is read."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.dialect = db.dialect
        self.reads = 0

    async def read(self, work: Work[T]) -> T:
        self.reads += 1
        return await self._db.read(work)

    async def glance(self, work: Work[T]) -> T:
        self.reads += 1
        return await self._db.glance(work)

    async def write(self, work: Work[T]) -> T:
        return await self._db.write(work)

    async def close(self) -> None:
        """It belongs to the bench."""


async def test_readers_of_a_live_job_are_served_without_asking_the_database_for_each_event(
    here: Listening,
) -> None:
    await here.bench.deploy(TALK)
    job_id = await here.bench.begin("talk", {"lines": 100, "seconds": 0.01})
    await here.bench.until_logged(job_id, "0x")
    db = Counting(here.bench.platform.db)
    async with listening(replace(here.bench.platform, db=db)) as base:
        there = Listening(here.bench, base)
        texts = await asyncio.gather(*(there.whole(job_id, after=n % 2 * 1000) for n in range(20)))
    told = [read(text) for text in texts]
    assert [len(events) for events, _ in told] == [103, 0] * 10
    assert {end for _, end in told} == {"succeeded"}
    assert db.reads / 20 < 10, "each reader costs a few looks, not one for each of 100 events"


async def test_a_server_that_stops_ends_its_streams_without_an_end(here: Listening) -> None:
    await here.bench.deploy(GATED)
    job_id = await here.bench.begin("gated")
    async with here.stream(job_id) as answer:
        chunks = answer.aiter_raw()
        await until(chunks, "waiting")
        here.bench.platform.hub.close()
        async with asyncio.timeout(10):
            assert "event: end" not in await rest(chunks)


async def test_the_stream_of_another_s_job_is_refused(here: Listening) -> None:
    await here.bench.deploy(ECHO)
    job = await here.bench.run("echo")
    stranger: Minted = await here.bench.stranger()
    async with here.stream(job["id"], headers=stranger.headers) as answer:
        assert answer.status_code == 404
        assert json.loads(await answer.aread())["code"] == "job_not_found"
