"""Signed URLs of files in a bucket: the bucket's own, so that it serves them and not this server.

A bucket signs for at most seven days, and what a role's passing credentials sign dies with them.
Where that is too short, and for a file that is gone, the URL is one that leads to this server.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import unquote

import httpx2

from puras.server.clock import SECOND, Clock
from puras.server.drive.signing import LocalSigner, SignedFile, result_expiry
from puras.server.drive.store import Drive, DriveFile
from puras.server.storage.port import StorageUnavailable
from puras.server.storage.s3 import S3Storage

_MOST_SECONDS = 7 * 86_400
_MOST_REMEMBERED = 20_000
_ASK_SECONDS = 10.0
_READABLE = frozenset({200, 206, 416})  # an empty file has no first byte


class PresignedSigner:
    """Signs with the bucket's credentials. `own` signs what they can't, `prefix` is `url_prefix`
    of the storage."""

    def __init__(
        self,
        own: LocalSigner,
        *,
        storage: S3Storage,
        prefix: str,
        drive: Drive,
        clock: Clock,
        result_ttl: int,
    ) -> None:
        self._own = own
        self._storage = storage
        self._prefix = prefix
        self._drive = drive
        self._clock = clock
        self._result_ttl = result_ttl
        # The time of signing is part of a signature, so equal URLs must be remembered.
        self._results: OrderedDict[tuple[str, int], str] = OrderedDict()

    @property
    def prefixes(self) -> tuple[str, ...]:
        return (*self._own.prefixes, self._prefix)

    async def url(self, file: DriveFile, *, ttl: int) -> str:
        return await self._bucket_url(file, ttl) or await self._own.url(file, ttl=ttl)

    async def result_urls(self, workspace_id: str, paths: Iterable[str]) -> dict[str, str]:
        urls = await self._own.result_urls(workspace_id, paths)
        for path in urls:
            file = await self._drive.stat(workspace_id, path)
            if file is not None:
                urls[path] = await self._result_url(file) or urls[path]
        return urls

    def check(self, signed: str) -> SignedFile:
        return self._own.check(signed)

    def bundle_url(self, deployment_id: str, *, ttl: int) -> str:
        return self._own.bundle_url(deployment_id, ttl=ttl)

    def check_bundle(self, signed: str) -> str:
        return self._own.check_bundle(signed)

    async def open_own(self, url: str) -> SignedFile | None:
        """Find the file behind a URL. Whether the signature holds is for the bucket to say."""
        if not url.startswith(self._prefix):
            return await self._own.open_own(url)
        name, _, query = url[len(self._prefix) :].partition("?")
        file = await self._drive.stored_as(unquote(name))
        if file is None or "X-Amz-Signature=" not in query or not await _is_readable(url):
            return None
        return SignedFile(file.workspace_id, file.path)

    async def _result_url(self, file: DriveFile) -> str | None:
        now = self._clock() // SECOND
        expires = result_expiry(now, least=self._result_ttl)
        key = (file.storage_name, expires)
        if key not in self._results:
            url = await self._bucket_url(file, expires - now)
            if url is None:
                return None
            self._results[key] = url
            if len(self._results) > _MOST_REMEMBERED:
                self._results.popitem(last=False)
        return self._results[key]

    async def _bucket_url(self, file: DriveFile, ttl: int) -> str | None:
        if ttl > _MOST_SECONDS:
            return None
        try:
            url = await self._storage.signed_url(file.storage_name, seconds=ttl)
        except StorageUnavailable:  # a role's credentials can't be had now
            return None
        return None if "X-Amz-Security-Token=" in url else url


async def _is_readable(url: str) -> bool:
    """Ask the bucket for the first byte."""
    try:
        async with httpx2.AsyncClient(timeout=_ASK_SECONDS, trust_env=False) as client:
            answer = await client.get(url.partition("#")[0], headers={"Range": "bytes=0-0"})
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False
    return answer.status_code in _READABLE
