"""Following a job over lines that break, and over a server that is restarted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from puras import AsyncPuras, Puras
from puras.client._core import Policy

from .conftest import Served, serving
from .cutting_proxy import CuttingProxy

SEED = 20_261_125
EAGER = Policy(first_backoff=0.001, longest_backoff=0.01, drops_before_polling=100_000)
TALK = """\
import time

def run(lines, seconds=0):
    for n in range(lines):
        print(n, "\\u2028" * (n % 40), flush=True)
        time.sleep(seconds)
    return {"lines": lines}
"""


def write_bundle(folder: Path) -> Path:
    (folder / "talk").mkdir(parents=True)
    (folder / "talk" / "main.py").write_text(TALK)
    (folder / "talk" / "skill.yaml").write_text(
        "description: It talks.\nentrypoint: main.py:run\ninput_schema:\n  type: object\n"
        "  properties: {lines: {type: integer}, seconds: {type: number}}\n  required: [lines]\n"
    )
    return folder


@pytest.fixture(scope="module")
def talking(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Served:
    bundle = write_bundle(tmp_path_factory.mktemp("bundles") / "talks")
    deployed = server.puras("deploy", str(bundle))
    assert deployed.returncode == 0, deployed.stderr
    return server


@pytest.fixture
def proxy(talking: Served, request: pytest.FixtureRequest) -> Iterator[CuttingProxy]:
    print("seed", SEED)
    proxy = CuttingProxy(talking.base, seed=SEED, least=300, most=2500)
    yield proxy
    proxy.close()


def submit(server: Served, **inputs: Any) -> str:
    with Puras(server.key, "talks", api_base=server.base) as puras:
        return puras.submit("talk", inputs).id


def follow_sync(base: str, key: str, job_id: str) -> list[Any]:
    with Puras(key, api_base=base) as puras:
        puras._policy = EAGER
        return list(puras.events(job_id, transport="sse"))


def follow_async(base: str, key: str, job_id: str) -> list[Any]:
    async def collect() -> list[Any]:
        async with AsyncPuras(key, api_base=base) as puras:
            puras._policy = EAGER
            return [event async for event in puras.events(job_id, transport="sse")]

    return asyncio.run(collect())


def check_whole(events: list[Any], lines: int) -> None:
    assert [event.id for event in events] == list(range(1, lines + 4))
    logged = [event.payload["message"] for event in events if event.type == "log"]
    assert logged == [f"{n} " + "\u2028" * (n % 40) for n in range(lines)]
    assert events[-1].payload["status"] == "succeeded"


@pytest.mark.parametrize("follow", [follow_sync, follow_async])
def test_a_live_stream_that_is_cut_again_and_again_gives_every_event_once_and_in_order(
    talking: Served, proxy: CuttingProxy, follow: Any
) -> None:
    job_id = submit(talking, lines=150, seconds=0.005)
    check_whole(follow(proxy.url, talking.key, job_id), 150)
    assert proxy.cuts >= 10


@pytest.mark.slow
@pytest.mark.parametrize("follow", [follow_sync, follow_async])
def test_three_hundred_cuts_lose_and_repeat_nothing(
    talking: Served, proxy: CuttingProxy, follow: Any
) -> None:
    job_id = submit(talking, lines=2500)
    check_whole(follow(proxy.url, talking.key, job_id), 2500)
    assert proxy.cuts >= 300


@pytest.mark.slow  # it outlasts the five seconds that a stopping server gives its runs
def test_a_stream_goes_on_when_the_server_is_stopped_and_started_again(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "talks")
    events: list[Any] = []
    with serving(tmp_path / "home") as served:
        assert served.puras("deploy", str(bundle)).returncode == 0
        job_id = submit(served, lines=100, seconds=0.06)
        begun = threading.Event()

        def follow() -> None:
            with Puras(served.key, api_base=served.base) as puras:
                puras._policy = EAGER
                for event in puras.events(job_id, transport="sse"):
                    events.append(event)
                    if event.type == "log":
                        begun.set()

        following = threading.Thread(target=follow)
        following.start()
        assert begun.wait(20)
        assert served.stop() == 0
        before = len(events)
        port = served.base.rpartition(":")[2]
    with serving(tmp_path / "home", "--port", port) as again:
        following.join(60)
        assert not following.is_alive()
        with Puras(served.key, api_base=again.base) as puras:
            log = list(puras.events(job_id, transport="poll"))
    assert 0 < before < len(events)
    assert events == log
    statuses = [event.payload["status"] for event in log if event.type == "status"]
    assert statuses == ["queued", "running", "queued", "running", "succeeded"]
