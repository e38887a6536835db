"""Sends a drive file: ranges, validators, and headers under which a hostile file does no harm.

What `disposition` does not show in place is a download; all of it is sandboxed and never sniffed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import BinaryIO, NamedTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from puras.server.clock import SECOND
from puras.server.drive.disposition import CACHE_CONTROL, disposition
from puras.server.drive.store import DriveFile
from puras.server.refusals import Refused

_CHUNK = 256 * 1024
_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.ASCII | re.IGNORECASE)


class Slice(NamedTuple):
    """The bytes from `start` up to, not including, `end`."""

    start: int
    end: int


class FileResponse(StreamingResponse):
    """Streams an open file and closes it, whatever happens."""

    def __init__(
        self, file: BinaryIO, part: Slice, *, status_code: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(_chunks(file, part), status_code=status_code, headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def send_file(request: Request, found: DriveFile, file: BinaryIO) -> Response:
    """Answer GET or HEAD with a file, a part of it, or `304`. Takes over the open file.

    Raises:
        Refused: `range_not_satisfiable`.
    """
    headers = _headers(found)
    try:
        if is_unchanged(request.headers, found):
            file.close()
            return Response(status_code=304, headers=headers)
        # HEAD has no ranges (RFC 9110, 14.2): it tells of the whole file.
        part = asked_part(request.headers, found) if request.method == "GET" else None
    except Refused:
        file.close()
        raise
    status = 200 if part is None else 206
    start, end = part or Slice(0, found.size_bytes)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size_bytes}"
    headers |= {"Content-Length": str(end - start), "Content-Type": found.mime}
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers)
    return FileResponse(file, Slice(start, end), status_code=status, headers=headers)


def asked_part(headers: Mapping[str, str], found: DriveFile) -> Slice | None:
    """Return the one range that was asked for; None for all of the file, also where the range
    can't be read, there are several, or `If-Range` means an older version.

    Raises:
        Refused: `range_not_satisfiable`.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or not any(match.groups()):
        return None
    if headers.get("if-range", _etag(found)) not in {_etag(found), _modified(found)}:
        return None
    first, last = match.groups()
    size = found.size_bytes
    if not first:
        part = Slice(max(size - int(last), 0), size)
    else:
        part = Slice(int(first), min(int(last) + 1, size) if last else size)
        if last and int(last) < int(first):
            return None
    if part.start >= part.end:
        raise Refused(
            "range_not_satisfiable",
            f"the file has {size} bytes: ask for a range inside of them",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return part


def is_unchanged(headers: Mapping[str, str], found: DriveFile) -> bool:
    """Tell whether the caller has this version already."""
    if known := headers.get("if-none-match"):
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return bool(tags & {_etag(found), "*"})
    try:
        since = parsedate_to_datetime(headers["if-modified-since"])
        return found.created_at // SECOND <= since.timestamp()
    except (KeyError, TypeError, ValueError):
        return False


def _headers(found: DriveFile) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE_CONTROL,
        "Content-Disposition": disposition(found.path, found.mime),
        "Content-Security-Policy": "sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": _etag(found),
        "Last-Modified": _modified(found),
        "X-Content-Type-Options": "nosniff",
    }


def _etag(found: DriveFile) -> str:
    return f'"{found.blob}"'


def _modified(found: DriveFile) -> str:
    return formatdate(found.created_at // SECOND, usegmt=True)


async def _chunks(file: BinaryIO, part: Slice) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, part.start)
    left = part.end - part.start
    while left > 0 and (chunk := await asyncio.to_thread(file.read, min(left, _CHUNK))):
        left -= len(chunk)
        yield chunk
