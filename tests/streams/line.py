"""A line that breaks, as a process of its own: a proxy before the proxy, and one behind it.

    python -m tests.streams.line <address of the server> <folder with the sockets of the proxies>

Its first line of output is JSON: the port of each of the two. A client asks for
`/<way>/<seed>/<path>`: `way` is the proxy between the two, by the name of its socket, and the seed
chooses what befalls each stream that is opened. Other requests pass unharmed. `GET /counts` answers
how often each thing happened.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from .plans import CALM, Plan, cut_at, plan

End = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_AT_ONCE = 65_536
_HOLD_SECONDS = 0.05
_MOST_DRIBBLED = 300
_RESET = struct.pack("ii", 1, 0)
_ASKED = re.compile(rb"GET /([\w-]+)/([\w-]+)(/\S*) HTTP/1.1\r\n")
_PLANNED = re.compile(rb"(?im)^x-plan: ([\w-]+)/(\d+)\r\n")
_CONNECTION = re.compile(rb"(?im)^connection:.*\r\n")


class Line:
    """Both ends of the line; one request for each connection."""

    def __init__(self, server: str, sockets: Path) -> None:
        self._server = server.removeprefix("http://").split(":")
        self._sockets = sockets
        self._opened: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    async def front(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Take a client's request to the proxy that it names."""
        head = await client.readuntil(b"\r\n\r\n")
        asked = _ASKED.match(head)
        if asked is None:
            answer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            answer.write(json.dumps(self._counts).encode())
            return
        way, seed, path = (part.decode() for part in asked.groups())
        fate, mark = CALM, b""
        if path.partition("?")[0].endswith("/stream"):
            number = self._opened[f"{way}/{seed}"]
            self._opened[f"{way}/{seed}"] += 1
            fate, mark = plan(seed, number), f"X-Plan: {seed}/{number}\r\n".encode()
            self._counts["streams"] += 1
        elif path.partition("?")[0].endswith("/events"):
            self._counts["pages"] += 1
        if fate.fault == "answer":
            self._counts["answer"] += 1
            answer.write(fate.answer)
            return
        request = b"GET %b HTTP/1.1\r\n%b" % (path.encode(), mark) + _last(head[asked.end() :])
        proxy = await asyncio.open_unix_connection(self._sockets / f"{way}.sock")
        await self._exchange(request, proxy, client, answer, fate, "front")

    async def back(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Take a proxy's request to the server."""
        head = await client.readuntil(b"\r\n\r\n")
        planned = _PLANNED.search(head)
        fate = plan(planned[1].decode(), int(planned[2])) if planned else CALM
        server = await asyncio.open_connection(*self._server)
        await self._exchange(_last(head), server, client, answer, fate, "back")

    async def _exchange(
        self,
        request: bytes,
        onward: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        client: asyncio.StreamReader,
        answer: asyncio.StreamWriter,
        fate: Plan,
        place: str,
    ) -> None:
        source, sink = onward
        sink.write(request)
        leaving = asyncio.create_task(client.read())
        passing = asyncio.create_task(
            self._pass_on(source, answer, fate if fate.place == place else CALM)
        )
        try:
            await asyncio.wait({leaving, passing}, return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                passing.result()
        finally:
            for task in (leaving, passing):
                task.cancel()
            await asyncio.gather(leaving, passing, return_exceptions=True)
            sink.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, answer: asyncio.StreamWriter, fate: Plan
    ) -> None:
        passed = 0
        while data := await source.read(_AT_ONCE):
            if answer.is_closing():
                return  # whoever hung up wants none of it, and uvloop raises where it is written
            cut = None if fate.fault == "none" else cut_at(fate, passed, data)
            if cut is not None:
                self._counts[f"{fate.fault} {fate.place}"] += 1
                await self._harm(answer, fate, data, cut)
                if fate.fault in ("end", "reset"):
                    return
                fate = CALM
            else:
                answer.write(data)
                await answer.drain()
            passed += len(data)

    async def _harm(self, answer: asyncio.StreamWriter, fate: Plan, data: bytes, cut: int) -> None:
        answer.write(data[:cut])
        await answer.drain()
        if fate.fault == "reset":
            connection = answer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            answer.transport.abort()
            return
        if fate.fault == "hold":
            await asyncio.sleep(_HOLD_SECONDS)
        dribbled = _MOST_DRIBBLED if fate.fault == "dribble" else 0
        for at in range(cut, cut + dribbled):
            if not answer.is_closing():
                answer.write(data[at : at + 1])
                await asyncio.sleep(0)
        if fate.fault != "end" and not answer.is_closing():
            answer.write(data[cut + dribbled :])


def _last(head: bytes) -> bytes:
    """Make a request the only one of its connection."""
    return _CONNECTION.sub(b"", head)[:-2] + b"Connection: close\r\n\r\n"


async def main(server: str, sockets: str) -> None:
    """Serve until the process is ended."""
    line = Line(server, Path(sockets))
    ends = [
        await asyncio.start_server(_closing(end), "127.0.0.1", 0, backlog=1024)
        for end in (line.front, line.back)
    ]
    print(json.dumps([end.sockets[0].getsockname()[1] for end in ends]), flush=True)
    await asyncio.gather(*[end.serve_forever() for end in ends])


def _closing(end: End) -> End:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await end(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # somebody hung up
        finally:
            writer.close()

    return serve


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
