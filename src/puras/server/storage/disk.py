"""Storage in a folder of this machine.

Bytes come in through `incoming`, a folder on the same file system that a starting server empties,
and get their name by one rename after they were forced to disk: a crash at any point leaves the
old bytes or the new ones. Names are the server's own (ids, hashes), never a caller's words.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from puras.server.clock import new_id
from puras.server.storage.port import NO_HEADERS, Headers, Stored, TooLarge

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_LISTED_AT_ONCE = 1000
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class DiskStorage:
    """Keeps each name as a file below `root`; only the server's own user can read them.

    Headers are not kept: what is served from here gets them from its row.
    """

    def __init__(self, root: Path, *, incoming: Path) -> None:
        self._root = root
        self._incoming = incoming

    async def write(
        self,
        name: str,
        chunks: AsyncIterator[bytes],
        *,
        limit: int,
        headers: Headers = NO_HEADERS,
    ) -> int:
        target, draft = self._root / checked(name), self._draft()
        size = 0
        try:
            with await asyncio.to_thread(create, draft) as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise TooLarge(f"more than {limit} bytes")
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(keep, draft, target)
        finally:
            draft.unlink(missing_ok=True)
        return size

    async def adopt(self, name: str, file: Path, *, headers: Headers = NO_HEADERS) -> int:
        return await asyncio.to_thread(self._adopt, self._root / checked(name), file)

    async def size(self, name: str) -> int | None:
        return file_size(self._root / checked(name))

    async def local_path(self, name: str) -> Path | None:
        path = self._root / checked(name)
        return None if file_size(path) is None else path

    async def delete(self, name: str) -> None:
        await asyncio.to_thread((self._root / checked(name)).unlink, missing_ok=True)

    async def listing(self, prefix: str = "") -> AsyncIterator[Stored]:
        found = self._walk(self._root / prefix)
        while page := await asyncio.to_thread(lambda: list(islice(found, _LISTED_AT_ONCE))):
            for stored in page:
                yield stored

    def _walk(self, folder: Path) -> Iterator[Stored]:
        for path in folder.rglob("*"):
            try:
                found = path.lstat()
            except FileNotFoundError:  # deleted while we look
                continue
            if not path.is_dir():
                yield Stored(str(path.relative_to(self._root)), found.st_size, found.st_ctime)

    def _adopt(self, target: Path, file: Path) -> int:
        size = file_size(file)
        if size is None:
            raise ValueError(f"{file} is not a file")
        draft = self._draft()
        draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _copy(file, draft)
            draft.chmod(0o600)
            keep(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        return size

    def _draft(self) -> Path:
        return self._incoming / new_id()


def checked(name: str) -> str:
    """Return a name that may become part of a path. Raises ValueError for any other."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name in this storage")
    return name


def create(path: Path) -> BinaryIO:
    """Open a new file that only we can read, in a folder that is made where it is missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, _NEW, 0o600), "wb")


def keep(draft: Path, target: Path) -> None:
    """Force a finished draft to disk and give it its name."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync(draft)
    os.replace(draft, target)
    _sync(target.parent)
    _sync(target.parent.parent)


def _copy(source: Path, target: Path) -> None:
    """Make a second name for a file, or a second file where that can't be had."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
            raise
        shutil.copyfile(source, target, follow_symlinks=False)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_size(path: Path) -> int | None:
    """Return the size of a regular file, None for anything else: links are not followed."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
