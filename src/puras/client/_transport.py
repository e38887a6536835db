"""Where the SDK touches httpx2, which is imported only when a connection is needed."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import puras
from puras.client._answers import Answer, Failure
from puras.client._core import Config, Request
from puras.client._files import Source

if TYPE_CHECKING:
    import ssl

    import httpx2


def new_client() -> httpx2.Client:
    import httpx2

    return httpx2.Client(verify=_trust(), limits=_limits())


def new_async_client() -> httpx2.AsyncClient:
    import httpx2

    return httpx2.AsyncClient(verify=_trust(), limits=_limits())


@cache
def _trust() -> ssl.SSLContext:
    """Whom this machine trusts: read once for all clients, for it takes longer than a call."""
    import httpx2

    return httpx2.create_ssl_context()


def _limits() -> httpx2.Limits:
    """Every event stream holds a connection, so their number is the caller's business."""
    import httpx2

    return httpx2.Limits(max_connections=None, max_keepalive_connections=20)


def errors() -> type[Exception]:
    """The class of everything that goes wrong between us and an answer."""
    import httpx2

    return httpx2.RequestError


def build(
    http: httpx2.Client | httpx2.AsyncClient,
    config: Config,
    request: Request,
    *,
    silence: float | None = None,
) -> httpx2.Request:
    """Make the request that httpx2 sends. `silence` replaces the read timeout, in seconds."""
    import httpx2

    timeout = httpx2.Timeout(request.timeout, read=silence or request.timeout)
    parts: dict[str, Any] = {} if request.source is None else _multipart(request.source)
    return http.build_request(
        request.method,
        config.api_base + request.path,
        params=dict(request.query) or None,
        json=request.json,
        headers=_headers(config, request),
        timeout=timeout,
        **parts,
    )


def _headers(config: Config, request: Request) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {config.api_key}",
        "Accept": "application/json",
        "User-Agent": f"puras-python/{puras.__version__}",
        **request.headers,
    }
    if request.idempotency_key is not None:
        headers["Idempotency-Key"] = request.idempotency_key
    return headers


def _multipart(source: Source) -> dict[str, Any]:
    fields = {} if source.path is None else {"path": source.path}
    return {"data": fields, "files": {"file": (source.name, source.content)}}


def answer_of(response: httpx2.Response, body: bytes = b"") -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body)


def failure_of(error: Exception) -> Failure:
    """Say what went wrong, and whether the server may have taken the request all the same."""
    import httpx2

    unreached = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
    )
    return Failure(
        reason=_reason(error),
        reached=not isinstance(error, unreached),
        timed_out=isinstance(error, httpx2.TimeoutException),
        cause=error,
    )


def _reason(error: Exception) -> str:
    kind, text = type(error).__name__, str(error)
    return f"{text} ({kind})" if text else kind


def body(response: httpx2.Response) -> Generator[bytes, None, None]:
    """The body's chunks. httpx2 gives a generator but promises only an iterator."""
    return cast("Generator[bytes, None, None]", response.iter_bytes())


def async_body(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """The body's chunks, as `body` gives them."""
    return response.aiter_bytes()


def is_stream(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code == 200 and bool(kind == "text/event-stream")


@contextmanager
def cut_after(response: httpx2.Response, seconds: float | None) -> Iterator[None]:
    """Break a response's connection when its time is up, also while a read is waiting on it.

    A blocked read can't be told a new deadline; a socket that is shut down wakes it at once. Where
    the socket is out of reach or shared (HTTP/2), the reader's own look at the clock has to do.
    """
    line = None if seconds is None else _duplicate_socket(response)
    if line is None or seconds is None:
        yield
        return
    timer = threading.Timer(seconds, _shut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        line.close()


def _duplicate_socket(response: httpx2.Response) -> socket.socket | None:
    network = response.extensions.get("network_stream")
    if network is None or response.http_version.startswith("HTTP/2"):
        return None
    raw = network.get_extra_info("socket")
    return None if raw is None else socket.fromfd(raw.fileno(), raw.family, raw.type)


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the server was faster
