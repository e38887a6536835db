"""A web server of one test, under names that end in `.test`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Site:
    """Answers what it was given; of anything else it knows nothing."""

    port: int
    answers: dict[str, bytes] = field(default_factory=dict)

    def give(self, path: str, body: bytes, mime: str) -> str:
        """Answer a path with a body, and return its URL."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}"
        return self._answer(path, f"{head}\r\nConnection: close\r\n\r\n".encode() + body)

    def redirect(self, path: str, location: str) -> str:
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0"
        return self._answer(path, f"{head}\r\nConnection: close\r\n\r\n".encode())

    def _answer(self, path: str, answer: bytes) -> str:
        self.answers[path] = answer
        return f"http://site.test:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(self.answers.get(head.split(" ")[1], missing))
        writer.close()


@asynccontextmanager
async def serving_site() -> AsyncIterator[Site]:
    site = Site(0)
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
