"""A line that breaks anywhere costs no event and repeats none, for both clients."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from puras import AsyncPuras, Puras
from puras.client._core import Policy

from .conftest import Served

CHATTY = """\
import time
import puras

def run(n):
    for i in range(n):
        puras.log(f"line {i} \\u2028 {'x' * (i % 300)}")
        if i % 10 == 0:
            time.sleep(0.005)
    return {"n": n}
"""
QUICK = Policy(first_backoff=0.001, longest_backoff=0.005, drops_before_polling=10_000)


class CuttingProxy:
    """Passes bytes between client and server; cuts each connection after a random number."""

    def __init__(self, target: tuple[str, int], chance: random.Random) -> None:
        self._target = target
        self._chance = chance
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            # Long enough for a head and, mostly, some event; short enough to cut often.
            allowance = self._chance.randint(300, 4000)
            threading.Thread(target=self._serve, args=(client, allowance), daemon=True).start()

    def _serve(self, client: socket.socket, allowance: int) -> None:
        with client, socket.create_connection(self._target) as server:
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            with suppress(ConnectionError):  # a client that has read the end hangs up
                while allowance > 0 and (data := server.recv(min(allowance, 1024))):
                    allowance -= len(data)
                    client.sendall(data)
            if allowance <= 0:
                self.cuts += 1
            for end in (client, server):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


@contextmanager
def cutting(served: Served, seed: int) -> Iterator[CuttingProxy]:
    host, port = served.base.removeprefix("http://").split(":")
    proxy = CuttingProxy((host, int(port)), random.Random(seed))
    try:
        yield proxy
    finally:
        proxy.close()


@pytest.fixture(scope="module")
def chatty(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Served:
    skill: Path = tmp_path_factory.mktemp("bundle") / "chatty" / "talk"
    skill.mkdir(parents=True)
    (skill / "main.py").write_text(CHATTY)
    (skill / "skill.yaml").write_text(
        "description: Talks.\nentrypoint: main.py:run\ninput_schema:\n  type: object\n"
        "  properties:\n    n: {type: integer}\n  required: [n]\n"
    )
    done = server.puras("deploy", str(skill.parent), "--skillpack", "chatty")
    assert done.returncode == 0, done.stderr
    return server


def submit(served: Served, lines: int) -> str:
    with Puras(served.key, "chatty", api_base=served.base) as direct:
        return direct.submit("talk", {"n": lines}).id


def check(served: Served, job_id: str, got: list[tuple[int, str]]) -> None:
    with Puras(served.key, api_base=served.base) as direct:
        log = [(e.id, str(e.payload)) for e in direct.events(job_id, transport="poll")]
    assert [number for number, _ in got] == list(range(1, len(log) + 1))
    assert got == log


def follow_through_cuts(served: Served, *, seed: int, lines: int) -> int:
    print(f"seed {seed}")
    job_id = submit(served, lines)
    with (
        cutting(served, seed) as proxy,
        Puras(served.key, api_base=proxy.base, max_retries=50) as puras,
    ):
        puras._policy = QUICK
        got = [(e.id, str(e.payload)) for e in puras.events(job_id, transport="sse")]
        cuts = proxy.cuts
    check(served, job_id, got)
    return cuts


async def follow_through_cuts_async(served: Served, *, seed: int, lines: int) -> int:
    print(f"seed {seed}")
    job_id = submit(served, lines)
    with cutting(served, seed) as proxy:
        async with AsyncPuras(served.key, api_base=proxy.base, max_retries=50) as puras:
            puras._policy = QUICK
            got = [(e.id, str(e.payload)) async for e in puras.events(job_id, transport="sse")]
        cuts = proxy.cuts
    check(served, job_id, got)
    return cuts


def test_a_stream_cut_at_random_points_yields_every_event_once(chatty: Served) -> None:
    seed = random.randrange(1 << 30)
    assert sum(follow_through_cuts(chatty, seed=seed + n, lines=60) for n in range(3)) > 10


async def test_an_async_stream_cut_at_random_points_yields_every_event_once(
    chatty: Served,
) -> None:
    seed = random.randrange(1 << 30)
    assert await follow_through_cuts_async(chatty, seed=seed, lines=60) > 3


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_hundreds_of_cuts_cost_nothing(chatty: Served) -> None:
    seed, cuts = random.randrange(1 << 30), 0
    for n in range(20):
        cuts += follow_through_cuts(chatty, seed=seed + n, lines=200)
        cuts += await follow_through_cuts_async(chatty, seed=seed - n, lines=200)
    assert cuts > 500
