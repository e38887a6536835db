"""A bucket that can fail: a proxy before the S3 server, which drops a part of the calls."""

from __future__ import annotations

import http.client
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


class FailingBucket:
    """Passes calls on until `close`; of those made while `rate` is over 0, so many fail."""

    def __init__(self, upstream: str) -> None:
        self.rate = 0.0
        self.dice = random.Random(0)
        self.failed = 0
        self.upstream = urlsplit(upstream).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fate(self) -> str:
        """Draw what becomes of a call: `refused` before it is made, `cut` after it was made."""
        if self.dice.random() >= self.rate:
            return "answered"
        self.failed += 1
        return self.dice.choice(["refused", "refused", "cut"])


def _handler(bucket: FailingBucket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True  # the other side hung up

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fate = bucket.fate()
            if fate == "refused":
                self.answer(503, {}, b"")
                return
            call = http.client.HTTPConnection(bucket.upstream, timeout=60)
            try:
                headers = {**dict(self.headers), "Connection": "close"}
                call.request(self.command, self.path, body=body, headers=headers)
                answer = call.getresponse()
                content = answer.read()
            finally:
                call.close()
            if fate == "cut":
                self.close_connection = True
                return
            self.answer(answer.status, dict(answer.headers), content)

        def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            size = str(len(content))
            if self.command == "HEAD":
                size = headers.get("Content-Length", size)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", size)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler
