"""Turns what a run prints into `log` events, as it happens, in bounded memory.

A line of stdout is a `log` of level `info`, one of stderr of level `error`, which a publishable key
sees as hidden. Lines end at a newline; a last one without it is flushed when the run is over.
"""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

from puras.server.worker.process.masking import NOTHING, Masker
from puras.server.worker.spec import RunHost
from puras.wire import MAX_LOG_EVENTS, MAX_LOG_LINE_BYTES

_CHUNK_BYTES = 64 * 1024
_DRAIN_SECONDS = 1.0
_SURROGATE = re.compile("[\ud800-\udfff]")
CUT_NOTE = " … [line cut at 8 KiB]"


class LineSplitter:
    """Bytes in, lines out, without secrets. Keeps at most one line's limit in memory, and one
    secret more: so that a secret which begins before the limit is whole when it is looked for."""

    def __init__(self, masker: Masker = NOTHING) -> None:
        self._masker = masker
        self._most = MAX_LOG_LINE_BYTES + masker.longest
        self._pending = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete, or make too long."""
        *complete, rest = data.split(b"\n")
        lines = [line for part in complete if (line := self._complete(part)) is not None]
        if not self._skipping:
            self._pending += rest
            if len(self._pending) > self._most:
                lines.append(self._cut())
                self._pending, self._skipping = b"", True
        return lines

    def finish(self) -> list[str]:
        """Return the last line, if it had no newline."""
        pending, self._pending = self._pending, b""
        return [line_text(self._masker.data(pending))] if pending else []

    def _complete(self, part: bytes) -> str | None:
        whole, self._pending = self._pending + part, b""
        if self._skipping:
            self._skipping = False
            return None
        return line_text(self._masker.data(whole))

    def _cut(self) -> str:
        """Return the beginning of a line that goes on: its end may be the half of a secret."""
        masked = self._masker.data(self._pending)
        return line_text(masked[: len(masked) - self._masker.longest], is_cut=True)


def line_text(line: bytes, *, is_cut: bool = False) -> str:
    """Decode one line, cut to its limit; what is no UTF-8, or half a pair, becomes U+FFFD."""
    cut, line = (
        is_cut or len(line) > MAX_LOG_LINE_BYTES,
        line[:MAX_LOG_LINE_BYTES].removesuffix(b"\r"),
    )
    try:
        text = line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
    return _SURROGATE.sub("\ufffd", text) + (CUT_NOTE if cut else "")


def emit_log(host: RunHost, level: str, message: str) -> None:
    """Add a `log` event; what is of level `error` is hidden from publishable keys."""
    hidden: dict[str, Any] | None = None
    if level == "error":
        hidden = {"level": level, "message": "hidden", "redacted": True}
    host.emit("log", {"level": level, "message": message}, public=hidden)


class Output:
    """stdout and stderr of one run: the run gets `descriptors`, the worker reads the other ends.

    Once the host was told of more lines than a job keeps, the rest is read and thrown away.
    """

    def __init__(self, host: RunHost, masker: Masker = NOTHING) -> None:
        self._host = host
        self._masker = masker
        self._left = MAX_LOG_EVENTS + 1
        self._loop = asyncio.get_running_loop()
        self._open: dict[int, asyncio.Future[None]] = {}
        self.descriptors = [self._pipe("info"), self._pipe("error")]

    def hand_over(self) -> None:
        """Close the run's ends here: the run has them now."""
        while self.descriptors:
            os.close(self.descriptors.pop())

    async def drained(self) -> None:
        """Wait until everything that was written has been read, a second at most."""
        if self._open:
            await asyncio.wait(self._open.values(), timeout=_DRAIN_SECONDS)

    def close(self) -> None:
        self.hand_over()
        for descriptor in list(self._open):
            self._end(descriptor)

    def _pipe(self, level: str) -> int:
        read, write = os.pipe()
        os.set_blocking(read, False)
        self._open[read] = self._loop.create_future()
        self._loop.add_reader(read, self._read, read, level, LineSplitter(self._masker))
        return write

    def _read(self, descriptor: int, level: str, splitter: LineSplitter) -> None:
        try:
            data = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._say(level, splitter.finish())
            self._end(descriptor)
        elif self._left > 0:
            self._say(level, splitter.feed(data))

    def _say(self, level: str, lines: list[str]) -> None:
        for line in lines[: self._left]:
            emit_log(self._host, level, line)
        self._left -= min(len(lines), self._left)

    def _end(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._open.pop(descriptor).set_result(None)
