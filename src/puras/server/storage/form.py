"""Reads a multipart form with one file, straight to disk, and never more than its limit."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from puras.server.clock import new_id
from puras.server.refusals import Refused

_MOST_FIELD_BYTES = 64 * 1024
_MOST_PARTS = 50
_FRAME_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent: text fields, and one file that lies at `path` until the reader is left.

    `sha256` is that of the file. `parts` stand for all that was sent, whatever the boundary was.
    """

    fields: Mapping[str, str]
    path: Path
    filename: str
    content_type: str
    size_bytes: int
    sha256: str

    @property
    def parts(self) -> list[tuple[str, str]]:
        return [*self.fields.items(), ("file", self.sha256), ("filename", self.filename)]


@asynccontextmanager
async def read_form(
    request: Request, *, file_field: str, folder: Path, limit: int
) -> AsyncIterator[Form]:
    """Read a request's form; its file is kept in `folder` inside of the block only.

    Raises:
        Refused: `invalid_request` where it is no such form, `too_large` for a file over `limit`.
    """
    _check_length(request, limit=limit)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / new_id()
    try:
        with path.open("xb") as file:
            parts = _Parts(file_field, file, limit)
            await _feed(request, parts)
        yield parts.form(path)
    finally:
        path.unlink(missing_ok=True)


async def _feed(request: Request, parts: _Parts) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise _no_form(parts.file_field)
    parser = MultipartParser(options[b"boundary"], parts.callbacks())  # type: ignore[arg-type]
    try:
        async for chunk in request.stream():
            if chunk:
                await asyncio.to_thread(parser.write, chunk)
        parser.finalize()
    except FormParserError:
        raise _no_form(parts.file_field) from None
    if not parts.complete:
        raise _no_form(parts.file_field)


def _check_length(request: Request, *, limit: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit + _FRAME_BYTES:
        raise _too_large(limit)


def _too_large(limit: int) -> Refused:
    return Refused(
        "too_large", f"the file is over its limit of {limit >> 20} MiB: send a smaller one"
    )


def _no_form(file_field: str) -> Refused:
    return Refused(
        "invalid_request",
        f"send the body as multipart/form-data with a file named `{file_field}`",
        errors=[{"path": file_field, "message": "a file is required"}],
    )


class _Parts:
    """Takes what the parser finds: small fields into memory, the one file onto disk."""

    def __init__(self, file_field: str, file: BinaryIO, limit: int) -> None:
        self.file_field = file_field
        self.complete = False
        self._file = file
        self._limit = limit
        self._hash = hashlib.sha256()
        self._size = 0
        self._count = 0
        self._fields: dict[str, bytearray] = {}
        self._headers: dict[bytes, bytes] = {}
        self._header = (b"", b"")
        self._field: str | None = None
        self._in_file = False
        self._filename: str | None = None
        self._content_type = ""

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._part,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def form(self, path: Path) -> Form:
        if self._filename is None:
            raise _no_form(self.file_field)
        return Form(
            fields={name: bytes(v).decode("utf-8", "replace") for name, v in self._fields.items()},
            path=path,
            filename=self._filename,
            content_type=self._content_type,
            size_bytes=self._size,
            sha256=self._hash.hexdigest(),
        )

    def _begin(self) -> None:
        self._headers, self._header = {}, (b"", b"")
        self._count += 1
        if self._count > _MOST_PARTS:
            raise Refused("invalid_request", f"send at most {_MOST_PARTS} fields in one form")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], self._header[1])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = (b"", b"")

    def _part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = b"filename" in options and name == self.file_field
        if not self._in_file:
            self._field = name
            self._fields[name] = bytearray()
            return
        if self._filename is not None:
            raise Refused(
                "invalid_request", f"send one file named `{self.file_field}`, not several"
            )
        self._filename = options[b"filename"].decode("utf-8", "replace")
        self._content_type = self._headers.get(b"content-type", b"").decode("latin-1")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._to_file(memoryview(data)[start:end])
            return
        field = self._fields[self._field or ""]
        field += data[start:end]
        if len(field) > _MOST_FIELD_BYTES:
            raise Refused("too_large", f"form field `{self._field}` is over 64 KiB: shorten it")

    def _to_file(self, data: memoryview) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._hash.update(data)
        self._file.write(data)

    def _end(self) -> None:
        self.complete = True
