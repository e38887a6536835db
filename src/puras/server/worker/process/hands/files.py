"""Reads, writes and edits files for an agent, within its place."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from typing import Any, BinaryIO

from puras import _channel
from puras.server.worker.process.hands.place import Place, Refusal, open_file, open_folder

MAX_WRITTEN_BYTES = 10 * 1024 * 1024
MAX_SEEN_BYTES = 20 * 1024 * 1024
MAX_LINES = 2_000
MAX_LINE_CHARACTERS = 2_000
MAX_TEXT_CHARACTERS = 100_000
_MAX_PLACES_NAMED = 20

Answer = dict[str, Any]


def read(order: dict[str, Any], place: Place) -> Answer:
    """`{path, offset, limit}` → its lines, numbered; an image or a PDF as a file to be seen."""
    path = str(order["path"])
    descriptor = open_file(place.locate(path), path)
    with os.fdopen(descriptor, "rb") as file:
        head = file.read(8192)
        file.seek(0)
        if mime := _mime_of(head):
            return _seen(file, path, mime)
        if b"\0" in head:
            raise Refusal(f"`{path}` is no text: look at it with a command")
        return _lines(file, path, int(order.get("offset") or 1), int(order.get("limit") or 0))


def write(order: dict[str, Any], place: Place) -> Answer:
    """`{path, content}` → the file has this content; missing folders are made."""
    path, data = str(order["path"]), str(order["content"]).encode("utf-8", "replace")
    if len(data) > MAX_WRITTEN_BYTES:
        raise Refusal(
            f"the content has {len(data):,} bytes and may have {MAX_WRITTEN_BYTES:,}: "
            "write it in parts, or make it with a command"
        )
    _replace(path, data, place)
    return {"ok": True, "text": f"wrote {len(data):,} bytes to {path}"}


def edit(order: dict[str, Any], place: Place) -> Answer:
    """`{path, old, new, all}` → `old` is replaced, once, or everywhere with `all`."""
    path, old, new = str(order["path"]), str(order["old"]), str(order["new"])
    text = _whole_text(path, place)
    count = text.count(old) if old else 0
    if count == 0:
        raise Refusal(
            f"`old` is not in `{path}`: read the file and copy the passage exactly, "
            "white space included and line numbers left out"
        )
    if count > 1 and not order.get("all"):
        raise Refusal(
            f"`old` is in `{path}` {count} times (lines {_places(text, old)}): take more of what "
            "stands around the one you mean, or pass `all: true`"
        )
    _replace(path, text.replace(old, new).encode("utf-8", "replace"), place)
    return {"ok": True, "text": f"replaced {count} passage{'s' * (count > 1)} in {path}"}


def put(order: dict[str, Any], place: Place) -> Answer:
    """`{path, file}` → a file that came from the worker lies at the path."""
    came = _channel.run_folder() / str(order["file"])
    path = str(order["path"])
    try:
        parent, name = _parent_of(path, place)
        try:
            os.replace(came, name, dst_dir_fd=parent)
        except OSError as error:
            raise Refusal(f"`{path}` can't be written: {error.strerror}") from None
        finally:
            os.close(parent)
    finally:
        came.unlink(missing_ok=True)
    return {"ok": True, "text": path}


def give(order: dict[str, Any], place: Place) -> Answer:
    """`{path}` → a copy of a file of the working directory, its path there as text."""
    path = str(order["path"])
    located = place.locate(path, to_write=True)
    name = _channel.new_file_name()
    with (
        os.fdopen(open_file(located, path), "rb") as file,
        open(_channel.run_folder() / name, "xb") as copy,
    ):
        shutil.copyfileobj(file, copy, 1 << 20)
    return {"ok": True, "text": "/".join(located.parts), "file": name}


def _lines(file: BinaryIO, path: str, offset: int, limit: int) -> Answer:
    most = min(limit, MAX_LINES) if limit > 0 else MAX_LINES
    shown: list[str] = []
    room, first = MAX_TEXT_CHARACTERS, max(offset, 1)
    lines = enumerate(_decoded(file), start=1)
    for number, line in itertools.islice(lines, first - 1, None):
        if len(shown) == most or len(line) > room:
            shown.append(f"[… cut before line {number}: read on with `offset: {number}`]")
            break
        room -= len(line)
        shown.append(f"{number:>6}\t{line}")
    if not shown:
        return {"ok": True, "text": f"[{path} has no line {first}]" if first > 1 else "[empty]"}
    return {"ok": True, "text": "\n".join(shown)}


def _decoded(file: BinaryIO) -> Iterator[str]:
    """Yield lines, each cut to its limit; a longer one is read and thrown away in parts."""
    while part := file.readline(MAX_LINE_CHARACTERS * 4):
        line = part.decode("utf-8", "replace").rstrip("\r\n")
        is_cut = len(line) > MAX_LINE_CHARACTERS or not part.endswith(b"\n")
        while part and not part.endswith(b"\n"):
            part = file.readline(MAX_LINE_CHARACTERS * 4)
        yield f"{line[:MAX_LINE_CHARACTERS]} [… line cut]" if _is_long(line, is_cut) else line


def _is_long(line: str, is_cut: bool) -> bool:
    return is_cut and len(line) >= MAX_LINE_CHARACTERS


def _seen(file: BinaryIO, path: str, mime: str) -> Answer:
    size = os.fstat(file.fileno()).st_size
    if size > MAX_SEEN_BYTES:
        raise Refusal(
            f"`{path}` has {size:,} bytes and may have {MAX_SEEN_BYTES:,} to be looked at: "
            "make it smaller with a command"
        )
    name = _channel.new_file_name()
    with open(_channel.run_folder() / name, "xb") as copy:
        copy.write(file.read(MAX_SEEN_BYTES))
    return {"ok": True, "text": f"{path} ({mime}, {size:,} bytes)", "file": name, "mime": mime}


def _mime_of(head: bytes) -> str | None:
    """Tell from its first bytes whether a file is one that models look at."""
    for start, mime in (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-", "application/pdf"),
    ):
        if head.startswith(start):
            return mime
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _whole_text(path: str, place: Place) -> str:
    with os.fdopen(open_file(place.locate(path, to_write=True), path), "rb") as file:
        data = file.read(MAX_WRITTEN_BYTES + 1)
    if len(data) > MAX_WRITTEN_BYTES:
        raise Refusal(f"`{path}` is too large to be edited so: use a command")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(f"`{path}` is no UTF-8 text: change it with a command") from None


def _places(text: str, old: str) -> str:
    lines: list[int] = []
    at = text.find(old)
    while at >= 0 and len(lines) < _MAX_PLACES_NAMED:
        lines.append(text.count("\n", 0, at) + 1)
        at = text.find(old, at + len(old))
    return ", ".join(map(str, lines)) + (" …" if at >= 0 else "")


def _replace(path: str, data: bytes, place: Place) -> None:
    """Write a draft beside the file and give it the name, so that no reader sees a half."""
    parent, name = _parent_of(path, place)
    draft = f".{secrets.token_hex(8)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, _mode(name, parent), dir_fd=parent), "wb") as file:
            file.write(data)
        os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
    except OSError as error:
        _remove(draft, parent)
        raise Refusal(f"`{path}` can't be written: {error.strerror}") from None
    finally:
        os.close(parent)


def _parent_of(path: str, place: Place) -> tuple[int, str]:
    located = place.locate(path, to_write=True)
    if not located.parts or path.endswith("/"):
        raise Refusal(f"`{path}` is a folder: name a file in it")
    return open_folder(located.root, located.parts[:-1], path, make=True), located.parts[-1]


def _mode(name: str, parent: int) -> int:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o777
    except OSError:
        return 0o644


def _remove(name: str, parent: int) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except OSError:
        pass
