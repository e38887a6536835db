"""Packs the working directory for the next attempt, and unpacks it there.

Only what belongs to the directory itself is kept: files, folders, and links that stay inside. An
archive is unpacked by the same rules, whoever made it: nothing in it leads out of the directory.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from puras import _channel
from puras.server.worker.process.hands.place import Place, Refusal, is_within

_HEADER_BYTES = 1024


class _Entry(NamedTuple):
    """Something in the directory; `link` is where a link leads."""

    name: str
    path: str
    found: os.stat_result
    link: str | None = None


def pack(order: dict[str, Any], place: Place) -> dict[str, Any]:
    """`{since, most_bytes}` → a new archive and its mark, or that nothing changed since a mark."""
    entries = list(_entries(place.work))
    mark = _mark(entries)
    if mark == order["since"]:
        return {"ok": True, "value": {"mark": mark, "changed": False}}
    size = sum(entry.found.st_size + _HEADER_BYTES for entry in entries)
    if size > order["most_bytes"]:
        why = f"it has {size:,} bytes, and at most {order['most_bytes']:,} are kept"
        return {"ok": False, "text": why, "value": {"mark": mark}}
    name = _channel.new_file_name()
    with tarfile.open(_channel.run_folder() / name, "x", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            _add(archive, entry)
    return {"ok": True, "value": {"mark": mark, "changed": True}, "file": name}


def mark(place: Place) -> str:
    """Name the state of the working directory."""
    return _mark(list(_entries(place.work)))


def unpack(archive: Path, work: str) -> None:
    """Put the content of an archive into a fresh working directory.

    Raises Refusal for an archive that leads out of it.
    """
    links: list[tuple[str, str]] = []
    folders: list[tuple[str, tarfile.TarInfo]] = []
    with tarfile.open(archive, "r:") as opened:
        for member in opened:
            path = _inside(member.name, work)
            if member.isdir():
                os.makedirs(path, exist_ok=True)
                folders.append((path, member))
            elif member.issym():
                links.append((path, member.linkname))
            elif member.isreg():
                _write(opened, member, path)
    # Last, so that nothing was written through one; the deepest folder before those around it.
    for path, target in links:
        if _stays_inside(path, target, work):
            os.symlink(target, path)
    for path, member in reversed(folders):
        _finish(path, member)


def link_skill(place: Place) -> None:
    """Let the skill's files be found where its instructions look for them: by relative paths."""
    for name in sorted(os.listdir(place.skill)):
        if name in _NOT_LINKED or name.startswith("."):
            continue
        try:
            os.symlink(os.path.join(place.skill, name), os.path.join(place.work, name))
        except FileExistsError:
            continue


_NOT_LINKED = frozenset({"skill.yaml", "SKILL.md", "requirements.txt", "subskills", "evals"})


def _entries(work: str) -> Iterator[_Entry]:
    waiting = [work]
    while waiting:
        folder = waiting.pop()
        for found in sorted(_scanned(folder), key=lambda entry: entry.name):
            name = os.path.relpath(found.path, work)
            try:
                status = found.stat(follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    target = os.readlink(found.path)
                    if _stays_inside(found.path, target, work):
                        yield _Entry(name, found.path, status, target)
                elif stat.S_ISDIR(status.st_mode):
                    waiting.append(found.path)
                    yield _Entry(name, found.path, status)
                elif stat.S_ISREG(status.st_mode):
                    yield _Entry(name, found.path, status)
            except FileNotFoundError:
                continue  # removed while we look


def _scanned(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _mark(entries: list[_Entry]) -> str:
    digest = hashlib.sha256()
    for name, _, found, link in sorted(entries):
        is_folder = stat.S_ISDIR(found.st_mode)
        told = (name, found.st_mode, link, *(() if is_folder else _version(found)))
        digest.update(repr(told).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _version(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _add(archive: tarfile.TarFile, entry: _Entry) -> None:
    member = tarfile.TarInfo(entry.name)
    member.mode = stat.S_IMODE(entry.found.st_mode) & 0o777
    member.mtime = entry.found.st_mtime
    if entry.link is not None:
        member.type, member.linkname = tarfile.SYMTYPE, entry.link
        archive.addfile(member)
    elif stat.S_ISDIR(entry.found.st_mode):
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    else:
        _add_file(archive, member, entry.path)


def _add_file(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return  # removed meanwhile, or its owner may not read it
    with os.fdopen(descriptor, "rb") as file:
        member.size = os.fstat(descriptor).st_size
        try:
            archive.addfile(member, file)
        except OSError:
            raise Refusal(f"`{member.name}` changed while it was read") from None


def _inside(name: str, work: str) -> str:
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts or "\0" in name:
        raise Refusal(f"the archive has a name that leads out of it: {name!r}")
    return os.path.join(work, *parts)


def _stays_inside(path: str, target: str, work: str) -> bool:
    """Tell whether a link leads to something in the directory, taken by its words alone."""
    if os.path.isabs(target):
        return False
    return is_within(os.path.normpath(os.path.join(os.path.dirname(path), target)), work)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = archive.extractfile(member)
    assert source is not None, "a regular member has content"
    with open(path, "xb") as file:
        while chunk := source.read(1 << 20):
            file.write(chunk)
    _finish(path, member)


def _finish(path: str, member: tarfile.TarInfo) -> None:
    os.chmod(path, member.mode & 0o777)
    os.utime(path, (member.mtime, member.mtime))
