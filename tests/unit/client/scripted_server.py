"""A real HTTP server on loopback that plays a script, faults included.

Each request takes the next `Answer`; what was asked is kept in `seen`. A body is sent in chunks, so
that its end (`Answer.end`) is the script's to choose: whole, cut, reset, or silence.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

End = Literal["whole", "cut", "reset", "stall"]
SIGNAL_SECONDS = 5.0


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    raw_path: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """`status` None: the connection ends, as `end` says, without a word."""

    status: int | None = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    end: End = "whole"
    pieces: int = 0

    def chunks(self) -> Iterable[bytes]:
        size = self.pieces or len(self.body) or 1
        return (self.body[at : at + size] for at in range(0, len(self.body), size))


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer of JSON. Underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


def refusal(status: int, code: str, **headers: str) -> Answer:
    return answer({"detail": f"no: {code}", "code": code, "request_id": "r-1"}, status, **headers)


def page(html: str, status: int = 200) -> Answer:
    return Answer(status, html.encode(), {"Content-Type": "text/html; charset=utf-8"})


def sse(*entries: Mapping[str, Any] | str, end: End = "whole") -> Answer:
    """An event stream of these events; a string is sent as it is written."""
    body = "".join(entry if isinstance(entry, str) else frame(entry) for entry in entries)
    return Answer(200, body.encode(), {"Content-Type": "text/event-stream"}, end)


def frame(event: Mapping[str, Any]) -> str:
    return f"id: {event['id']}\ndata: {json.dumps(event)}\n\n"


def log(event_id: int, message: str = "hello") -> dict[str, Any]:
    return {
        "id": event_id,
        "job_id": "j1",
        "ts": "2026-01-31T12:00:00.000000+00:00",
        "type": "log",
        "payload": {"level": "info", "message": message},
    }


def status(event_id: int, value: str) -> dict[str, Any]:
    return {**log(event_id), "type": "status", "payload": {"status": value}}


def job(value: str = "running", **fields: Any) -> dict[str, Any]:
    return {"id": "j1", "status": value, "result": None, "error": None, **fields}


DONE = job("succeeded", result={"answer": 42})
END = 'event: end\ndata: {"status": "succeeded"}\n\n'
BROKEN = Answer(None, end="reset")


class ScriptedServer:
    """Plays `script` from its front, or asks `play` for each answer where one is set."""

    def __init__(self) -> None:
        self.script: deque[Answer] = deque()
        self.play: Callable[[Seen], Answer] | None = None
        self.seen: list[Seen] = []
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def will_answer(self, *answers: Answer) -> None:
        self.script.extend(answers)

    @property
    def asked(self) -> list[str]:
        return [str(seen) for seen in self.seen]

    def wait_until_open(self, count: int) -> None:
        """Return once exactly `count` connections are open; fail if that does not happen soon."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self._open) == count, SIGNAL_SECONDS)
        assert reached, f"{len(self._open)} connections are open, not {count}"

    def close(self) -> None:
        self._listener.close()
        with self._changed:
            for line in self._open:
                with suppress(OSError):  # the client was faster
                    line.shutdown(socket.SHUT_RDWR)
        self.wait_until_open(0)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._open.add(line)
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=[line], daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        try:
            with line.makefile("rb") as reader:
                while (seen := _read(reader)) is not None and self._reply(line, seen):
                    pass
        except OSError:
            pass  # the client hung up, as some tests want it to
        finally:
            with self._changed:
                self._open.discard(line)
                line.close()
                self._changed.notify_all()

    def _reply(self, line: socket.socket, seen: Seen) -> bool:
        """Send the next answer; tell whether the connection can serve another request."""
        self.seen.append(seen)
        reply = self.play(seen) if self.play else self._next(seen)
        if reply.status is not None:
            line.sendall(_head(reply))
            for chunk in reply.chunks():
                line.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if reply.end == "whole":
            line.sendall(b"0\r\n\r\n")
        elif reply.end == "reset":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif reply.end == "stall":
            line.recv(1)
        return reply.end == "whole"

    def _next(self, seen: Seen) -> Answer:
        if not self.script:
            return refusal(501, f"nothing is scripted for {seen}")
        return self.script.popleft()


def _head(reply: Answer) -> bytes:
    headers = {**reply.headers, "Transfer-Encoding": "chunked"}
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _read(reader: Any) -> Seen | None:
    first = reader.readline().decode("latin-1").split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while (text := reader.readline().decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    target = urlsplit(first[1])
    query = dict(parse_qsl(target.query))
    body = _body(reader, headers)
    return Seen(first[0], unquote(target.path), query, headers, body, target.path)


def _body(reader: Any, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return bytes(reader.read(int(headers.get("content-length", 0))))
    body = b""
    while (size := int(reader.readline(), 16)) > 0:
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body
