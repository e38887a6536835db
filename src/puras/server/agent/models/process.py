"""The worker's side of the process that asks the providers: one, started when first needed.

Many questions are open at once, told apart by their ids. When the process dies, those open are put
to the next one; a question that was given up is cancelled over there too. The process gets no key
through its environment (each question carries its own), and dies with the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from puras.server.agent.models.port import ModelFailed
from puras.server.worker.process.frames import HEADER, encode
from puras.server.worker.process.processes import MARK, data_mark

_MODULE = "puras.server.agent.models.answering"
_LIVES = 3
_PASSED_ON = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    | {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
)
_log = structlog.get_logger(__name__)


class _Died(Exception):
    """The process ended with the question open."""


class AnsweringProcess:
    """Puts questions to the process, and starts it again when it died."""

    def __init__(self, home: Path, *, first_delay_seconds: float = 1.0) -> None:
        self._mark = data_mark(home)
        self._first_delay_seconds = first_delay_seconds
        self._starting = asyncio.Lock()
        self._life: _Life | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process, None while there is none."""
        return None if self._life is None or not self._life.is_alive else self._life.pid

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer.

        Raises:
            ModelFailed: the provider refused or stayed away, or the process died time and again.
        """
        for _ in range(_LIVES):
            with contextlib.suppress(_Died):
                return await (await self._alive()).ask(question)
        raise ModelFailed(
            f"`{question['slug']}` did not answer: the process that asks for it died {_LIVES} "
            "times; look into the server's memory"
        )

    async def close(self) -> None:
        """Kill the process; questions that are open fail."""
        async with self._starting:
            if self._life is not None:
                await self._life.end()

    async def _alive(self) -> _Life:
        async with self._starting:
            if self._life is None or not self._life.is_alive:
                self._life = await _start(self._mark, self._first_delay_seconds)
            return self._life


class _Life:
    """One process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._numbers = itertools.count()
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.is_alive = True
        self._reading = asyncio.create_task(self._read(), name="puras-models")
        self.pid = process.pid

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        try:
            await self._send({"id": number, "ask": question})
            frame: dict[str, Any] = await answer
        except asyncio.CancelledError:
            with contextlib.suppress(_Died):
                await self._send({"cancel": number})
            raise
        finally:
            del self._open[number]
        if "failed" in frame:
            raise ModelFailed(frame["failed"])
        return dict(frame["answer"])

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def _send(self, frame: Mapping[str, Any]) -> None:
        if not self.is_alive:
            raise _Died
        self._input.write(encode(frame))
        try:
            await self._input.drain()
        except (ConnectionError, RuntimeError):
            raise _Died from None

    async def _read(self) -> None:
        """Hand answers out until the pipe is closed; then nobody need wait any longer."""
        try:
            while True:
                head = await self._output.readexactly(HEADER.size)
                frame = json.loads(await self._output.readexactly(HEADER.unpack(head)[0]))
                answer = self._open.get(frame["id"])
                if answer is not None and not answer.done():
                    answer.set_result(frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.is_alive = False
            self._input.close()
            for waiting in self._open.values():
                if not waiting.done():
                    waiting.set_exception(_Died())
        code = await self._process.wait()
        _log.info("models_process_ended", code=code)


async def _start(mark: str, first_delay_seconds: float) -> _Life:
    environment = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        _MODULE,
        str(first_delay_seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**environment, MARK: mark, "PYTHONWARNINGS": "ignore"},
        cwd="/",
        start_new_session=True,  # a Ctrl-C is for the worker, which then ends this
    )
    return _Life(process)
