"""The process that asks the providers: how it starts, dies and is done with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from tests.providers.model_server import KEY, Hold, ModelServer
from tests.providers.wire.say import Say

from puras.server.agent.models.operator import OperatorModels, open_models
from puras.server.agent.models.port import ModelFailed, ModelRequest
from puras.server.settings import read_settings

pytestmark = pytest.mark.slow


def _request(text: str = "Hello", slug: str = "local/llama") -> ModelRequest:
    return ModelRequest(
        model=slug,
        system="",
        messages=[{"role": "user", "text": text, "files": []}],
        tools=[],
    )


async def _arrival(hold: Hold) -> None:
    await asyncio.to_thread(hold.arrived.wait, 60)


async def test_questions_are_answered_side_by_side(
    models: OperatorModels, provider: ModelServer
) -> None:
    slow = Hold(then=Say("slow"))
    provider.script(slow, Say("quick"))
    waiting = asyncio.create_task(models.answer(_request()))
    await _arrival(slow)
    assert (await models.answer(_request())).text == "quick"
    slow.released.set()
    assert (await waiting).text == "slow"


async def test_a_process_that_dies_is_started_again_and_asked_what_was_open(
    models: OperatorModels, provider: ModelServer
) -> None:
    lost = Hold()
    provider.script(lost, Say("again"))
    waiting = asyncio.create_task(models.answer(_request()))
    await _arrival(lost)
    before = models.process.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert (await waiting).text == "again"
    assert models.process.pid not in (None, before)
    lost.released.set()


async def test_a_process_that_dies_at_every_question_fails_it_in_the_end(
    models: OperatorModels, provider: ModelServer
) -> None:
    killing = threading.Event()

    def kill(_: object) -> Say:
        pid = models.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        killing.set()
        return Say("too late")

    provider.answer_with(kill)
    with pytest.raises(ModelFailed, match="died 3 times"):
        await models.answer(_request())
    assert killing.is_set()


async def test_a_question_that_is_given_up_is_cancelled_over_there_too(
    models: OperatorModels, provider: ModelServer
) -> None:
    hung = Hold()
    provider.script(hung, Say("next"))
    waiting = asyncio.create_task(models.answer(_request()))
    await _arrival(hung)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await models.answer(_request())).text == "next"
    hung.released.set()


async def test_closing_kills_the_process_and_nothing_is_left(
    provider: ModelServer, tmp_path: Path
) -> None:
    hung = Hold()
    provider.script(hung)
    settings = read_settings({}, home=tmp_path)
    async with open_models(settings, provider.environment) as models:
        request = _request(slug="anthropic/claude-haiku-4.5")
        waiting = asyncio.create_task(models.answer(request))
        await _arrival(hung)
        pid = models.process.pid
        assert pid is not None
        assert KEY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        waiting.cancel()
    assert not Path(f"/proc/{pid}").exists()
    hung.released.set()


_WORKER = """
import asyncio, sys
from pathlib import Path
from puras.server.agent.models.operator import open_models
from puras.server.agent.models.port import ModelRequest
from puras.server.settings import read_settings

async def main():
    environment = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": sys.argv[2]}
    async with open_models(read_settings({}, home=Path(sys.argv[1])), environment) as models:
        messages = [{"role": "user", "text": "Hello", "files": []}]
        await models.answer(ModelRequest("anthropic/claude-haiku-4.5", "", messages, []))
        print(models.process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_process_dies_with_its_worker(provider: ModelServer, tmp_path: Path) -> None:
    provider.script(Say("Hello"))
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WORKER, str(tmp_path), provider.url),
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    pid = int(await worker.stdout.readline())
    asking = os.pidfd_open(pid)
    worker.kill()
    await worker.wait()
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(asking, gone.set)
    await asyncio.wait_for(gone.wait(), 30)
    loop.remove_reader(asking)
    os.close(asking)
