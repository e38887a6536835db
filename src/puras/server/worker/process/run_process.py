"""The worker's ends of what it shares with its processes: a warm parent's control socket, and the
channel of each process forked from it.
"""

from __future__ import annotations

import array
import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from puras.server.worker.process import frames
from puras.server.worker.process.invocation import MAX_REPLY_BYTES
from puras.server.worker.process.outcomes import Exit
from puras.server.worker.process.skill_modules import Entry

_MAX_FRAME_BYTES = MAX_REPLY_BYTES * 2


class Unreadable(Exception):
    """A reply that no process of ours would send: too large, or no JSON."""


@dataclass(slots=True, eq=False)
class RunProcess:
    """A process forked to run one skill's function, once or (warm) again and again.

    once        whether it ends after one run
    folder      what it can write to
    untouched   the folder of its next run, where one is made already
    exited      done when it, and all below it, are dead
    kill        kills it and all below it, and returns when they are dead
    """

    number: int
    entry: Entry
    memory_bytes: int
    once: bool
    folder: Path
    channel: socket.socket
    kill: Callable[[], Awaitable[None]]
    exited: asyncio.Future[Exit] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    born: float = field(default_factory=time.monotonic)
    runs: int = 0
    untouched: Path | None = None

    def order(self) -> dict[str, Any]:
        """Return what the warm parent is told to fork it."""
        return {
            "fork": self.number,
            "folder": str(self.folder),
            "memory_bytes": self.memory_bytes,
            "once": self.once,
            "entry": asdict(self.entry),
        }

    def fits(self, entry: Entry, memory_bytes: int, *, once: bool) -> bool:
        """Tell whether an idle process can run this entry under this limit."""
        return (self.entry, self.memory_bytes, self.once) == (entry, memory_bytes, once)

    async def request(self, value: Any, *, descriptors: Sequence[int]) -> None:
        """Tell it what to run. A process that is gone already is found out by its reply."""
        data = frames.encode(value)
        self.runs += 1
        try:
            await send(self.channel, data[: frames.HEADER.size], descriptors=descriptors)
            await asyncio.get_running_loop().sock_sendall(self.channel, data[frames.HEADER.size :])
        except (BrokenPipeError, ConnectionResetError):
            pass

    async def reply(self) -> dict[str, Any] | None:
        """Return what it says in the end; None when it ended without a word.

        Raises Unreadable.
        """
        head = await self._read(frames.HEADER.size)
        if head is None:
            return None
        size = frames.HEADER.unpack(head)[0]
        if size > _MAX_FRAME_BYTES:
            raise Unreadable("the function's result is too large")
        body = await self._read(size)
        return None if body is None else _decoded(body)

    async def _read(self, size: int) -> bytes | None:
        loop, parts = asyncio.get_running_loop(), bytearray()
        while len(parts) < size:
            try:
                part = await loop.sock_recv(self.channel, min(size - len(parts), 1 << 20))
            except ConnectionResetError:
                part = b""
            if not part:
                return None
            parts += part
        return bytes(parts)


async def send(sock: socket.socket, data: bytes, *, descriptors: Sequence[int] = ()) -> None:
    """Send a short message, whole, with descriptors attached, once the socket takes it."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    while True:
        try:
            sock.sendmsg([data], rights if descriptors else [])
            return
        except BlockingIOError:
            await _writable(sock)


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(sock)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the function's result can't be read: {error}") from None
    if not isinstance(value, dict):
        raise Unreadable("the function's result can't be read")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
