"""Local copies of what lies elsewhere: a folder that may be emptied at any time.

A copy is complete or not there, it never changes, and the one that was not used for longest goes
first. What was used within the last minute stays, even over the limit: somebody is about to open
it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

from puras.server.clock import new_id
from puras.server.storage.disk import create, file_size, keep

_IN_USE_SECONDS = 60.0


class Cache:
    """Keeps about `limit` bytes below `root`; copies on their way in lie in `incoming`."""

    def __init__(self, root: Path, *, incoming: Path, limit: int) -> None:
        self._root = root
        self._incoming = incoming
        self._limit = limit
        self._size: int | None = None

    def find(self, name: str, *, version: str) -> Path | None:
        """Return the copy of a version, None where there is none."""
        path = self._path(name, version)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    async def fill(self, name: str, chunks: AsyncIterator[bytes], *, version: str) -> Path:
        """Keep a copy of a version and make room for it."""
        path, draft = self._path(name, version), self._incoming / new_id()
        try:
            with await asyncio.to_thread(create, draft) as file:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(keep, draft, path)
        finally:
            draft.unlink(missing_ok=True)
        await asyncio.to_thread(self._make_room, file_size(path) or 0)
        return path

    def drop(self, name: str) -> None:
        """Forget every version of a name."""
        shutil.rmtree(self._root / name, ignore_errors=True)

    def _path(self, name: str, version: str) -> Path:
        return self._root / name / hashlib.sha256(version.encode()).hexdigest()[:32]

    def _make_room(self, added: int) -> None:
        """Look through the folder only when it may be too full."""
        self._size = None if self._size is None else self._size + added
        if self._size is None or self._size > self._limit:
            self._size = self._evict()

    def _evict(self) -> int:
        copies = sorted(_copies(self._root))
        size = sum(size for _, size, _ in copies)
        for used, freed, path in copies:
            if size <= self._limit or used > time.time() - _IN_USE_SECONDS:
                break
            path.unlink(missing_ok=True)
            size -= freed
        return size


def _copies(root: Path) -> list[tuple[float, int, Path]]:
    """Return when each copy was last used, its size, and where it is."""
    copies = []
    for folder, _, names in os.walk(root):
        for path in (Path(folder, name) for name in names):
            try:
                found = path.lstat()
            except FileNotFoundError:  # dropped while we look
                continue
            copies.append((found.st_mtime, found.st_size, path))
    return copies
