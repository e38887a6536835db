"""Answers the worker's turns, many at once, until the worker closes the pipe.

In come frames `{id, ask}` and `{cancel: id}`, out go `{id, answer}` and `{id, failed}`. Nothing
else is ever written to standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from puras.server.agent.models.answering.asking import Asking
from puras.server.agent.models.port import ModelFailed
from puras.server.worker.isolation.kernel import die_with_parent
from puras.server.worker.process.frames import HEADER, encode


async def _frames() -> AsyncIterator[Any]:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while True:
        try:
            head = await reader.readexactly(HEADER.size)
            yield json.loads(await reader.readexactly(HEADER.unpack(head)[0]))
        except asyncio.IncompleteReadError:
            return


class _Answers:
    """The questions that are open, and the pipe that their answers go to."""

    def __init__(self, asking: Asking, output: int) -> None:
        self._asking = asking
        self._output = output
        self._open: dict[int, asyncio.Task[None]] = {}

    def take(self, frame: dict[str, Any]) -> None:
        if "cancel" in frame:
            if task := self._open.get(frame["cancel"]):
                task.cancel()
            return
        number = int(frame["id"])
        task = asyncio.create_task(self._answer(number, frame["ask"]))
        self._open[number] = task
        task.add_done_callback(lambda _: self._open.pop(number, None))

    async def _answer(self, number: int, question: dict[str, Any]) -> None:
        try:
            reply = {"id": number, "answer": await self._asking.ask(question)}
        except ModelFailed as error:
            reply = {"id": number, "failed": str(error)}
        await asyncio.to_thread(self._write, encode(reply))

    def _write(self, frame: bytes) -> None:
        # A write to a pipe is one piece up to 4 KiB only, so one answer at a time.
        with self._asking.writing:
            view = memoryview(frame)
            while view:
                view = view[os.write(self._output, view) :]


async def _main(first_delay_seconds: float) -> None:
    answers = _Answers(Asking(first_delay_seconds=first_delay_seconds), _own_output())
    async for frame in _frames():
        answers.take(frame)
    os._exit(0)  # the worker is gone, and nobody waits for what is still open


def _own_output() -> int:
    """Keep standard output for answers alone: what libraries print goes to standard error."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


if __name__ == "__main__":
    die_with_parent(signal.SIGKILL)
    asyncio.run(_main(float(sys.argv[1])))
