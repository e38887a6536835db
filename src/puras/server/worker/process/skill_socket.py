"""The worker's end of `PURAS_SOCKET`: answers the helpers that a skill imports from `puras`.

Requests and answers are JSON, one a line: `{id, token, verb, args}`, then `{id, ok, value}` or
`{id, ok, error: {code, detail}}`. `log`, `progress`, `step` and `job.inputs` are answered here,
every other verb by the run's host. The token is good for this one run. Files travel by name, and
only in a folder that the run can't reach does the host see them.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import structlog

from puras.server.refusals import Refused
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.masking import NOTHING, Masker
from puras.server.worker.process.output import emit_log, line_text
from puras.server.worker.process.run_folder import RunFolder
from puras.server.worker.spec import RunHost
from puras.wire import MAX_REQUEST_BYTES, LogLevel

_MAX_LINE_BYTES = MAX_REQUEST_BYTES + 64 * 1024
_MAX_CONNECTIONS = 256
_LEVELS = frozenset(get_args(LogLevel))

_log = structlog.get_logger()

Arguments = dict[str, Any]


class SkillSocket:
    """Serves one run, from `open` until `close`."""

    def __init__(
        self,
        folder: RunFolder,
        *,
        host: RunHost,
        inputs: Mapping[str, Any],
        new_call_folder: Callable[[], Path],
        masker: Masker = NOTHING,
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self._folder = folder
        self._host = host
        self._inputs = inputs
        self._masker = masker
        self._new_call_folder = new_call_folder
        self._steps = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        bound = self._folder.listen()
        # Making a server that serves at once waits a turn of the loop, and being cancelled in that
        # turn would leave a socket that nobody can close: so we have it before it serves.
        self._server = await asyncio.start_unix_server(
            self._accept, sock=bound, limit=_MAX_LINE_BYTES, start_serving=False
        )
        await self._server.start_serving()

    async def close(self) -> None:
        """Stop answering; calls that are under way are cancelled."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= _MAX_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (asyncio.CancelledError, ConnectionError, ValueError):
            # Cancelled by `close`, hung up on, or sent a line without end: nobody to tell.
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = _request(line)
            if request is None or not self._is_ours(request):
                return
            answer = {"id": request.get("id"), **await self._answer(request)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    def _is_ours(self, request: Arguments) -> bool:
        return hmac.compare_digest(str(request.get("token")).encode(), self.token.encode())

    async def _answer(self, request: Arguments) -> Arguments:
        verb, arguments = request.get("verb"), request.get("args")
        try:
            if not isinstance(verb, str) or not isinstance(arguments, dict):
                raise Refused("invalid_request", "send a `verb` and an object of `args`")
            return {"ok": True, "value": await self._perform(verb, arguments)}
        except Refused as refused:
            return _refusal(refused.code, refused.detail)
        except Exception:
            _log.exception("skill_call_failed", verb=verb)
            return _refusal("internal_error", "the worker failed to answer; its log says why")

    async def _perform(self, verb: str, arguments: Arguments) -> Any:
        answers: dict[str, Callable[[Arguments], Any]] = {
            "log": self._say,
            "progress": self._progress,
            "step": self._step,
            "job.inputs": lambda _: dict(self._inputs),
        }
        if verb in answers:
            return answers[verb](arguments)
        return await self._pass_on(lambda call: self._host.call(verb, arguments, call), arguments)

    async def _pass_on(self, call: Callable[[Path], Awaitable[Any]], arguments: Arguments) -> Any:
        call_folder = self._new_call_folder()
        try:
            if "file" in arguments:
                self._folder.take(str(arguments["file"]), call_folder)
            value = await call(call_folder)
            if isinstance(value, dict) and "file" in value:
                value = {**value, "file": self._folder.give(call_folder / str(value["file"]))}
            return value
        finally:
            await asyncio.to_thread(remove, call_folder)

    def _say(self, arguments: Arguments) -> None:
        level, message = arguments.get("level"), arguments.get("message")
        if level not in _LEVELS or not isinstance(message, str):
            raise Refused("invalid_request", f"`level` is one of {', '.join(sorted(_LEVELS))}")
        emit_log(self._host, str(level), self._line(message))

    def _progress(self, arguments: Arguments) -> None:
        fraction, message = arguments.get("fraction"), arguments.get("message")
        if not _is_fraction(fraction):
            raise Refused("invalid_request", "`fraction` is a number from 0 to 1")
        payload: dict[str, Any] = {"fraction": fraction}
        if message is not None:
            payload["message"] = self._line(str(message))
        self._host.emit("progress", payload)

    def _step(self, arguments: Arguments) -> None:
        name = arguments.get("name")
        if not isinstance(name, str) or not name:
            raise Refused("invalid_request", "a step has a name")
        self._steps += 1
        self._host.emit("step", {"step": self._steps, "label": self._line(name)})

    def _line(self, text: str) -> str:
        return line_text(self._masker.text(text).encode("utf-8", "surrogatepass"))


def _is_fraction(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= 1


def _request(line: bytes) -> Arguments | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refusal(code: str, detail: str) -> Arguments:
    return {"ok": False, "error": {"code": code, "detail": detail}}
