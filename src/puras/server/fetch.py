"""The one way to read a caller's URL.

A URL may lead anywhere, also to the machine's own network, so nothing but this module follows one.
It resolves the name itself, looks at every address, and connects to an address it has looked at: a
name that answers differently the second time is not asked a second time. Each redirect goes through
the same. Signed URLs of our own never leave the process: their file is read from storage.
"""

from __future__ import annotations

import asyncio
import mimetypes
import shutil
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import httpcore2
import httpx2

from puras.server.address import is_public
from puras.server.refusals import Refused
from puras.wire import MAX_FETCH_BYTES

FETCH_SECONDS = 60.0
MAX_REDIRECTS = 5
_UNKNOWN_TYPE = "application/octet-stream"
_HEADERS = [("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", "puras")]
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BROKEN = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    ssl.SSLError,
    OSError,
    zlib.error,
)

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Turns a host name and a port into addresses. Raises OSError where there are none."""

OpenOwn: TypeAlias = Callable[[str], Awaitable[Path | None]]
"""Turns a signed URL of ours into the file behind it; None: its signature does not hold."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was written to the target: its size in bytes and its type as the other side said."""

    size: int
    mime: str


@cache
def _trust() -> ssl.SSLContext:
    """Read whom this machine trusts, once: it takes as long as much of a server's start."""
    return ssl.create_default_context()


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Fetcher:
    """Fetches URLs into files. `is_allowed` looks at addresses, `resolve` finds them.

    A URL that begins with one of `own_prefixes` is for `open_own` to answer.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        own_prefixes: tuple[str, ...],
        open_own: OpenOwn,
        is_allowed: Callable[[str], bool] = is_public,
        resolve: Resolve = resolve,
    ) -> None:
        self._own_prefixes = own_prefixes
        self._open_own = open_own
        self._backend = _CheckedBackend(
            (lambda _: True) if allow_private else is_allowed, resolve=resolve
        )
        self._tls = _trust()

    async def fetch(
        self,
        url: str,
        target: Path,
        *,
        limit: int = MAX_FETCH_BYTES,
        timeout: float = FETCH_SECONDS,
    ) -> Fetched:
        """Write what a URL leads to into a new file; nothing is left of it after a failure.

        `limit` is in bytes, `timeout` in seconds for all of it.

        Raises:
            Refused: `address_not_allowed`, `too_large` or `fetch_failed`.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(url, target, limit)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, TimeoutError):
                raise _failed(url, f"it took longer than {timeout:g} s") from None
            if isinstance(error, _BROKEN):
                raise _failed(url, str(error) or type(error).__name__) from None
            raise

    async def _follow(self, url: str, target: Path, limit: int) -> Fetched:
        async with self._pool() as pool:
            for _ in range(MAX_REDIRECTS + 1):
                if url.startswith(self._own_prefixes):
                    return await self._copy_own(url, target, limit)
                parsed = _checked(url)
                async with pool.stream("GET", _plain(parsed), headers=_HEADERS) as response:
                    headers = _headers(response)
                    if response.status in _REDIRECTS and "location" in headers:
                        url = _joined(parsed, headers["location"])
                        continue
                    _check_answer(url, response.status, headers, limit)
                    chunks = _decoded(response.aiter_stream(), headers.get("content-encoding", ""))
                    size = await _write(url, chunks, target=target, limit=limit)
                    return Fetched(size, _mime(headers.get("content-type")))
        raise _failed(url, f"it was redirected more than {MAX_REDIRECTS} times")

    async def _copy_own(self, url: str, target: Path, limit: int) -> Fetched:
        file = await self._open_own(url)
        if file is None:
            raise _failed(url, "its signature does not hold or has expired: sign it anew")
        if file.stat().st_size > limit:
            raise _too_large(url, limit)
        await asyncio.to_thread(shutil.copyfile, file, target)
        guessed, _ = mimetypes.guess_type(httpx2.URL(url).path)
        return Fetched(target.stat().st_size, guessed or _UNKNOWN_TYPE)

    def _pool(self) -> httpcore2.AsyncConnectionPool:
        return httpcore2.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=self._backend, max_keepalive_connections=0
        )


class _CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to an address that it has looked at. TLS and `Host` keep the URL's own name."""

    def __init__(self, is_allowed: Callable[[str], bool], *, resolve: Resolve) -> None:
        self._is_allowed = is_allowed
        self._resolve = resolve
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if not all(map(self._is_allowed, addresses)):
            raise Refused(
                "address_not_allowed",
                f"`{host}` leads to an address that is not public: pass a URL that anyone can "
                "reach, or upload the file (an operator can set PURAS_ALLOW_PRIVATE_URLS=true)",
            )
        failure: Exception = httpcore2.ConnectError(f"`{host}` has no address")
        for address in addresses:
            try:
                return await self._plain.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


def _checked(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise _failed(url, f"it is no URL: {error}") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise _failed(url, "only http and https URLs with a host are fetched")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise _failed(url, f"there is no port {parsed.port}")
    if parsed.userinfo:
        raise _failed(url, "a URL with a user name or password in it is not fetched")
    return parsed


def _joined(url: httpx2.URL, location: str) -> str:
    try:
        return str(url.join(location))
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise _failed(str(url), f"it leads to what is no URL: {error}") from None


def _plain(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _headers(response: httpcore2.Response) -> dict[str, str]:
    return {
        name.lower().decode("ascii"): value.decode("latin-1") for name, value in response.headers
    }


def _check_answer(url: str, status: int, headers: dict[str, str], limit: int) -> None:
    if not 200 <= status < 300:
        raise _failed(url, f"it answered with status {status}")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(url, limit)
    if headers.get("content-encoding", "identity").lower() not in {"identity", "gzip", "deflate"}:
        raise _failed(url, f"it came in an encoding not asked for: {headers['content-encoding']}")


async def _decoded(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding.lower() not in {"gzip", "deflate"}:
        async for chunk in chunks:
            yield chunk
        return
    # 32 + 15: gzip or zlib, whichever its head says.
    decoder = zlib.decompressobj(47)
    async for chunk in chunks:
        while chunk:
            yield decoder.decompress(chunk, 1 << 20)
            chunk = decoder.unconsumed_tail
    yield decoder.flush()


async def _write(url: str, chunks: AsyncIterator[bytes], *, target: Path, limit: int) -> int:
    size = 0
    with await asyncio.to_thread(target.open, "xb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise _too_large(url, limit)
            file.write(chunk)
    return size


def _mime(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower() or _UNKNOWN_TYPE


def _failed(url: str, why: str) -> Refused:
    return Refused("fetch_failed", f"`{_shown(url)}` could not be fetched: {why}")


def _too_large(url: str, limit: int) -> Refused:
    return Refused(
        "too_large", f"`{_shown(url)}` has more than {limit:,} bytes: pass a smaller file"
    )


def _shown(url: str) -> str:
    """A URL fit for a sentence: without its query, which may hold a signature."""
    return url.partition("?")[0][:200]
