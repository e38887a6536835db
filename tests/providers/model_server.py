"""A server on loopback that speaks as the providers of models do, from a script.

    with model_server() as server:
        server.script(Say("Hello"), Fail(429, retry_after=0), Say(calls=[("add", {"a": 1})]))
        ... open_models(settings, server.environment) ...
        assert server.requests[0].body["model"] == "claude-sonnet-5-5"

Each request takes the next step of the script, whichever provider it is meant for; a script that
has run out answers HTTP 418. With `server.answer_with(function)` a function decides instead.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from tests.providers.wire.endpoints import endpoint_at
from tests.providers.wire.say import Say

KEY = "key-of-the-operator-0123456789"


@dataclass(frozen=True, slots=True)
class Fail:
    """An error of the provider's, in its own form."""

    status: int
    message: str = "something is wrong"
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """A body that is not what it should be."""

    body: bytes = b'{"id": "x", "cont'


@dataclass(frozen=True, slots=True)
class Break:
    """The connection ends before there is an answer."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait until `released` is set, or the other side has hung up, then go on with `then`."""

    released: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    then: Say = field(default_factory=Say)


Step: TypeAlias = Say | Fail | Garbage | Break | Hold


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in; names of headers are in small letters."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class ModelServer:
    """The script, and what was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[Request] = []
        self._steps: deque[Step] = deque()
        self._decide: Callable[[Request], Step] = self._next

    @property
    def environment(self) -> dict[str, str]:
        """What an operator would set to have every provider asked here."""
        names = ("ANTHROPIC", "OPENAI", "GEMINI", "OPENROUTER")
        return {
            **{f"{name}_API_KEY": KEY for name in names},
            "ANTHROPIC_BASE_URL": self.url,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "OPENROUTER_BASE_URL": f"{self.url}/api/v1",
        }

    def script(self, *steps: Step) -> None:
        """Add steps."""
        self._steps.extend(steps)

    def answer_with(self, decide: Callable[[Request], Step]) -> None:
        """Let a function choose each step; it is called in a thread of its request."""
        self._decide = decide

    def reset(self) -> None:
        """Forget the script, and what was asked."""
        self._steps.clear()
        self.requests.clear()
        self._decide = self._next

    def take(self, request: Request) -> Step:
        self.requests.append(request)
        return self._decide(request)

    def _next(self, request: Request) -> Step:
        try:
            return self._steps.popleft()
        except IndexError:
            return Fail(418, "the script has run out")


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Serve while the block lasts."""

    class Handler(_Handler):
        server_for_models: ModelServer

    httpd = _Server(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    Handler.server_for_models = ModelServer(httpd.server_port)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Handler.server_for_models
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of those who hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_for_models: ModelServer

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, json.loads(self.rfile.read(size)))
        self._answer(self.server_for_models.take(request), request)

    def _answer(self, step: Step, request: Request) -> None:
        if isinstance(step, Hold):
            step.arrived.set()
            step.released.wait(60)
            step = step.then
        if isinstance(step, Break):
            self.close_connection = True
        elif isinstance(step, Garbage):
            self._send(200, step.body)
        elif isinstance(step, Fail):
            body = endpoint_at(request.path).failure(step.status, step.message)
            self._send(step.status, json.dumps(body).encode(), step.retry_after)
        else:
            answer = endpoint_at(request.path).answer(step, request.body)
            self._send(200, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes, retry_after: float | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if retry_after is not None:
                self.send_header("Retry-After", f"{retry_after:g}")
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
