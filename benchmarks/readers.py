"""Readers of streams that cost next to nothing, so that it is the server that is measured.

All are in one thread, on bare sockets. Each counts the events that come in; every tenth is sampled:
it reads their numbers, and when they were logged, too.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from served import Served

PING = b": ping\n\n"
_EVENT = b"\nid: "
_END = b"event: end"
_LONGEST_MARK = 16
_SAMPLED = 10
_TOGETHER = 50
_SAID = re.compile(rb'\nid: (\d+)\ndata: [^\n]*?(?:"message": ?"(\d+\.\d+)"|\n)')


@dataclass(slots=True)
class Reader:
    """One open stream. `numbers`, `logged` and `delays`, in milliseconds, are those of a sample."""

    socket: socket.socket
    sampled: bool
    events: int = 0
    started: bool = False
    pinged: bool = False
    ended: bool = False
    numbers: list[int] = field(default_factory=list)
    logged: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    _rest: bytes = b""

    def read(self) -> None:
        """Take what has come."""
        chunk = self.socket.recv(1 << 20)
        if not chunk and not self.ended:
            raise ConnectionError(f"a stream was cut after {self.events} events")
        now, got = time.time(), self._rest + chunk
        whole = got.rfind(b"\n\n") + 1 if self.sampled else max(0, len(got) - _LONGEST_MARK)
        self._rest = got[whole:]
        self.events += got.count(_EVENT) - self._rest.count(_EVENT)
        self.started = self.started or self.events > 0
        self.pinged = self.pinged or PING in got
        self.ended = self.ended or _END in got
        if self.sampled:
            self._note(got[:whole], now)

    def _note(self, got: bytes, now: float) -> None:
        for number, logged in _SAID.findall(got):
            self.numbers.append(int(number))
            if logged:
                self.logged.append(float(logged))
                self.delays.append((now - float(logged)) * 1000)


class Readers:
    """Many streams at once. Close them."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._selector = selectors.DefaultSelector()
        self.all: list[Reader] = []
        self.opened_at = 0.0

    def open(self, jobs: Iterable[str]) -> None:
        """Open a stream of each job: a few at a time, until they have said something."""
        waiting = list(jobs)
        while waiting:
            fresh = [self._opened(job) for job in waiting[:_TOGETHER]]
            del waiting[:_TOGETHER]
            self.until(lambda reader: reader.started, of=fresh)
        self.opened_at = time.time()

    def until(
        self, fulfilled: Callable[[Reader], bool], *, of: Sequence[Reader] | None = None
    ) -> None:
        """Read all streams until each of some fulfils a condition; without `of`: each of all."""
        lacking = [reader for reader in of or self.all if not fulfilled(reader)]
        while lacking:
            for key, _ in self._selector.select():
                key.data.read()
                if key.data.ended:
                    self._selector.unregister(key.fileobj)
            lacking = [reader for reader in lacking if not fulfilled(reader)]
            if any(reader.ended for reader in lacking):
                raise RuntimeError("a stream ended before what was waited for")

    def close(self) -> None:
        self._selector.close()
        for reader in self.all:
            reader.socket.close()

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self, job: str) -> Reader:
        url = urlsplit(self._served.url)
        stream = socket.create_connection((url.hostname, url.port))
        stream.sendall(
            f"GET /v1/jobs/{job}/stream HTTP/1.1\r\nHost: {url.netloc}\r\n"
            f"Authorization: Bearer {self._served.key}\r\n\r\n".encode()
        )
        reader = Reader(stream, sampled=len(self.all) % _SAMPLED == 0)
        self._selector.register(stream, selectors.EVENT_READ, reader)
        self.all.append(reader)
        return reader
