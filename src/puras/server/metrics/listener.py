"""A port of its own for Prometheus, beside the API's or in a process that has none.

On loopback nobody is asked for anything but the token, where one is set; elsewhere one must be.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from puras.server.metrics import instruments
from puras.server.metrics.token import may_read

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@contextmanager
def listening(host: str, port: int, *, token: str | None) -> Iterator[int]:
    """Answer `GET /metrics` until the block ends; gives the port. Raises OSError."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/metrics":
            start("404 Not Found", [])
            return [b""]
        if not may_read(environ.get("HTTP_AUTHORIZATION", ""), token=token, open_without=True):
            start("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
            return [b""]
        start("200 OK", [("Content-Type", instruments.CONTENT_TYPE)])
        return [instruments.text()]

    kind = _Server6 if ":" in host else _Server
    with make_server(host, port, answer, server_class=kind, handler_class=_Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.1,), name="puras-metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a line every fifteen seconds helps nobody."""
