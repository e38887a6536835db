from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

from puras.server.refusals import Refused
from puras.server.storage.form import Form, read_form

BOUNDARY = "----b0undary"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, data: bytes, *, filename: str | None = None, kind: str = "") -> bytes:
    told = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    headers = f"Content-Disposition: {told}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
    return f"--{BOUNDARY}\r\n{headers}\r\n".encode() + data + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def request(body: bytes, *, kind: str = KIND, length: int | None = None, step: int = 7) -> Request:
    pieces: Iterator[bytes] = iter([body[n : n + step] for n in range(0, len(body), step)])

    async def receive() -> Message:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    headers = [(b"content-type", kind.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def read(asked: Request, folder: Path, *, limit: int = 100) -> tuple[Form, bytes]:
    async with read_form(asked, file_field="file", folder=folder, limit=limit) as form:
        return form, form.path.read_bytes()


async def test_file_and_fields_are_read_and_the_file_is_gone_afterwards(tmp_path: Path) -> None:
    body = whole(
        part("path", b"a/b"), part("file", b"data\r\n--x", filename="n.png", kind="image/x")
    )
    form, data = await read(request(body), tmp_path)
    assert (form.fields, data) == ({"path": "a/b"}, b"data\r\n--x")
    assert (form.filename, form.content_type, form.size_bytes) == ("n.png", "image/x", 9)
    assert form.sha256 == hashlib.sha256(data).hexdigest()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1, 2, 3, 5, 64, 10_000])
async def test_it_reads_the_same_however_the_body_is_cut(tmp_path: Path, step: int) -> None:
    body = whole(part("file", bytes(range(90)), filename="f"), part("notes", "ä".encode()))
    form, data = await read(request(body, step=step), tmp_path)
    assert (data, form.fields) == (bytes(range(90)), {"notes": "ä"})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"", KIND),
        (b"nonsense", KIND),
        (whole(part("file", b"x", filename="f")), "multipart/form-data"),
        (whole(part("other", b"x", filename="f")), KIND),
        (whole(part("file", b"not a file")), KIND),
        (whole(part("file", b"x", filename="f"))[:-20], KIND),
    ],
)
async def test_what_is_no_whole_form_with_the_file_is_refused(
    tmp_path: Path, body: bytes, kind: str
) -> None:
    with pytest.raises(Refused, match="invalid_request") as refusal:
        await read(request(body, kind=kind), tmp_path)
    assert refusal.value.status == 422
    assert "`file`" in refusal.value.detail
    assert list(tmp_path.iterdir()) == []


async def test_two_files_of_that_name_are_refused(tmp_path: Path) -> None:
    body = whole(part("file", b"x", filename="f"), part("file", b"y", filename="g"))
    with pytest.raises(Refused, match="not several"):
        await read(request(body), tmp_path)


async def test_a_file_over_the_limit_is_refused_before_the_rest_is_read(tmp_path: Path) -> None:
    body = whole(part("file", b"x" * 101, filename="f"), b"never parsed")
    with pytest.raises(Refused, match="too_large") as refusal:
        await read(request(body), tmp_path)
    assert refusal.value.status == 413
    assert list(tmp_path.iterdir()) == []


async def test_a_file_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    form, _ = await read(request(whole(part("file", b"x" * 100, filename="f"))), tmp_path)
    assert form.size_bytes == 100


async def test_a_length_far_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too_large"):
        await read(request(b"", length=10_000_000), tmp_path)


async def test_a_huge_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too_large"):
        await read(request(whole(part("notes", b"x" * 70_000)), step=9_000), tmp_path)


async def test_too_many_fields_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="at most 50 fields"):
        await read(request(whole(*(part(f"f{n}", b"") for n in range(51))), step=900), tmp_path)


async def test_the_same_form_has_the_same_parts_under_any_boundary(tmp_path: Path) -> None:
    body = whole(part("a", b"1"), part("file", b"x", filename="f"))
    other = body.replace(BOUNDARY.encode(), b"another")
    first, _ = await read(request(body), tmp_path)
    second, _ = await read(request(other, kind=KIND.replace(BOUNDARY, "another")), tmp_path)
    third, _ = await read(request(body.replace(b"\r\nx\r\n", b"\r\ny\r\n")), tmp_path)
    assert first.parts == second.parts != third.parts
