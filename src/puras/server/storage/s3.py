"""Storage in a bucket of S3, or of anything that speaks its protocol.

A large object is sent in parts and appears when all of them are there, so a write that breaks off
leaves nothing to be read. Who needs a file on this machine gets a copy of it: the bucket is asked
each time whether the copy still is what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import S3Store

from puras.server.clock import new_id
from puras.server.settings import BadSetting
from puras.server.storage.cache import Cache
from puras.server.storage.disk import checked, file_size
from puras.server.storage.port import NO_HEADERS, Headers, StorageUnavailable, Stored, TooLarge

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 4
_READ_BYTES = 1 << 20
_LISTED_AT_ONCE = 1000
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


class S3Storage:
    """Keeps each name as an object below the prefix of `store`."""

    def __init__(self, store: S3Store, *, cache: Cache) -> None:
        self._store = store
        self._cache = cache
        self._copying: dict[str, asyncio.Task[Path]] = {}

    async def write(
        self,
        name: str,
        chunks: AsyncIterator[bytes],
        *,
        limit: int,
        headers: Headers = NO_HEADERS,
    ) -> int:
        counted = _Counted(chunks, limit)
        with _unavailable(f"keep {checked(name)}"):
            upload = asyncio.ensure_future(self._put(name, counted.chunks(), headers))
            try:
                await asyncio.shield(upload)
            except asyncio.CancelledError:
                counted.abandon()
                upload.add_done_callback(_hear)
                raise
        return counted.size

    async def adopt(self, name: str, file: Path, *, headers: Headers = NO_HEADERS) -> int:
        size = await asyncio.to_thread(file_size, file)
        if size is None:
            raise ValueError(f"{file} is not a file")
        with _unavailable(f"keep {checked(name)}"):
            await self._put(name, file, headers)
        return size

    async def size(self, name: str) -> int | None:
        found = await self._head(name)
        return None if found is None else found["size"]

    async def local_path(self, name: str) -> Path | None:
        while found := await self._head(name):
            version = found["e_tag"] or str(found["last_modified"])
            if copy := await asyncio.to_thread(self._cache.find, name, version=version):
                return copy
            try:
                return await asyncio.shield(self._copy(name, version))
            except _Gone:
                continue  # written anew, or deleted, between the two questions
        return None

    async def delete(self, name: str) -> None:
        with _unavailable(f"delete {checked(name)}"):
            await obstore.delete_async(self._store, name)
        await asyncio.to_thread(self._cache.drop, name)

    async def listing(self, prefix: str = "") -> AsyncIterator[Stored]:
        pages = obstore.list(self._store, prefix or None, chunk_size=_LISTED_AT_ONCE)
        while True:
            with _unavailable("list the bucket"):
                page = await anext(pages, None)
            if page is None:
                return
            for found in page:
                yield Stored(found["path"], found["size"], found["last_modified"].timestamp())

    async def signed_url(self, name: str, *, seconds: int) -> str:
        """Return a URL of the bucket's own under which anybody can GET the bytes of a name."""
        with _unavailable(f"sign {checked(name)}"):
            return await obstore.sign_async(self._store, "GET", name, timedelta(seconds=seconds))

    async def url_prefix(self) -> str:
        """Return how the URL of every name begins."""
        url = await self.signed_url("x", seconds=60)
        return url.partition("?")[0].removesuffix("x")

    async def probe(self) -> None:
        """Write, list, read and delete an object of its own.

        Raises:
            StorageUnavailable: one of them can't be done; the text says which.
        """
        name, content = f"probe-{new_id()}", b"puras"
        with _unavailable("write to the bucket", missing="there is no such bucket"):
            await obstore.put_async(self._store, name, content)
        await self.check()
        with _unavailable("read from the bucket"):
            await obstore.get_range_async(self._store, name, start=0, end=len(content))
        with _unavailable("delete from the bucket"):
            await obstore.delete_async(self._store, name)

    async def check(self) -> None:
        """Find out whether the bucket is there and lets us look. Raises StorageUnavailable."""
        with _unavailable("list the bucket"):
            await anext(obstore.list(self._store, chunk_size=1), None)

    def _copy(self, name: str, version: str) -> asyncio.Task[Path]:
        """Begin to copy a version, or join who has begun already."""
        key = f"{name}\n{version}"
        if key not in self._copying:
            task = asyncio.create_task(
                self._cache.fill(name, self._download(name, version), version=version)
            )
            self._copying[key] = task
            task.add_done_callback(lambda _: self._copying.pop(key))
        return self._copying[key]

    async def _download(self, name: str, version: str) -> AsyncIterator[bytes]:
        with _unavailable(f"read {name}"):
            try:
                answer = await obstore.get_async(self._store, name, options={"if_match": version})
            except (FileNotFoundError, PreconditionError):
                raise _Gone from None
            async for chunk in answer.stream(min_chunk_size=_READ_BYTES):
                yield bytes(chunk)

    async def _put(self, name: str, content: Path | AsyncIterator[bytes], headers: Headers) -> None:
        try:
            await obstore.put_async(
                self._store,
                name,
                content,
                attributes=dict(headers),
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        except FileNotFoundError as error:
            raise StorageUnavailable(f"there is no such bucket: {_first_line(error)}") from error

    async def _head(self, name: str) -> ObjectMeta | None:
        with _unavailable(f"look at {checked(name)}"):
            try:
                return await obstore.head_async(self._store, name)
            except FileNotFoundError:
                return None


class _Gone(Exception):
    """A name does not have that version any more."""


class _Abandoned(Exception):
    """Nobody waits for the upload any more."""


class _Counted:
    """Passes bytes on until there are too many of them, or nobody wants them any more."""

    def __init__(self, chunks: AsyncIterator[bytes], limit: int) -> None:
        self.size = 0
        self._chunks = chunks
        self._limit = limit
        self._abandoned = False

    def abandon(self) -> None:
        """Break the upload off: what is not sent yet never is."""
        self._abandoned = True

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._limit:
                raise TooLarge(f"more than {self._limit} bytes")
            if self._abandoned:
                raise _Abandoned
            if chunk:
                yield chunk


def open_bucket(url: str, *, environment: Mapping[str, str]) -> S3Store:
    """Return the bucket and prefix of `s3://bucket/prefix`.

    Everything else is as the standard `AWS_*` variables say: keys or a role, region, endpoint.

    Raises:
        BadSetting: it is no such URL, or a variable makes no sense.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise BadSetting(f"PURAS_STORAGE_URL={url!r} must be s3://bucket or s3://bucket/prefix")
    endpoint = next(filter(None, map(environment.get, _ENDPOINTS)), "")
    try:
        return S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": timedelta(seconds=30),
                "timeout": timedelta(hours=6),  # a whole upload; silence ends it much earlier
            },
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
        )
    except (BaseError, ValueError) as error:
        raise BadSetting(f"PURAS_STORAGE_URL={url!r} can't be used: {_first_line(error)}") from None


def _hear(upload: asyncio.Future[None]) -> None:
    """Take note of how an abandoned upload ended, which nobody else does."""
    if not upload.cancelled():
        upload.exception()


@contextmanager
def _unavailable(what: str, *, missing: str | None = None) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if missing is None:
            raise
        raise StorageUnavailable(f"can't {what}: {missing}") from error
    except BaseError as error:
        raise StorageUnavailable(f"can't {what}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """Return what an error says, without the state of the client that follows it."""
    return str(error).partition("\n")[0].strip()[:500]
