"""A workspace's files: rows that say what there is, and the bytes that they stand for.

Bytes are kept under an id that is new at each write, and a row points to them. So a write becomes
visible in the one transaction that moves the row, a reader keeps what it has opened, and a crash
leaves at most bytes that no row knows, which `tidy` removes (`puras admin doctor` counts them).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from puras.server.clock import Clock, Micros, new_id
from puras.server.db.database import Database, Row, Transaction, Unsure
from puras.server.db.queries import load
from puras.server.drive.disposition import stored_headers
from puras.server.drive.paths import mime_of, prefix_end
from puras.server.refusals import Refused
from puras.server.storage.port import Headers, Storage, TooLarge
from puras.wire import MAX_UPLOAD_BYTES

QUERIES = load(__file__)
_PREFIX = "drive/"

Fence: TypeAlias = Callable[[Transaction], Awaitable[object]]
"""Runs in the transaction that makes a write visible; what it raises undoes the write."""


class PathTaken(Exception):
    """There is a file of that path already, and it was not to be replaced."""


@dataclass(frozen=True, slots=True)
class DriveFile:
    """One version of a file. `blob` is new at each write, and so serves as its ETag."""

    workspace_id: str
    path: str
    size_bytes: int
    mime: str
    blob: str
    created_at: Micros
    key_id: str | None = None
    job_id: str | None = None

    @property
    def storage_name(self) -> str:
        return f"{_PREFIX}{self.workspace_id}/{self.blob}"

    @property
    def stored_headers(self) -> Headers:
        return stored_headers(self.path, self.mime)


class Opened(NamedTuple):
    """A file, and where its bytes can be read now."""

    file: DriveFile
    local: Path


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from: `declared_mime` as its sender calls it, empty to go by its ending;
    `replace` whether it may take the place of another of the same path."""

    key_id: str | None = None
    job_id: str | None = None
    declared_mime: str = ""
    replace: bool = True


class Drive:
    """Every path given must be clean (`paths.clean`)."""

    def __init__(self, storage: Storage, *, db: Database, clock: Clock) -> None:
        self._storage = storage
        self._db = db
        self._clock = clock

    async def write(
        self,
        workspace_id: str,
        path: str,
        *,
        chunks: AsyncIterator[bytes],
        origin: Origin,
        limit: int = MAX_UPLOAD_BYTES,
        fence: Fence | None = None,
    ) -> DriveFile:
        """Keep bytes as they come.

        Raises:
            Refused: `too_large` over `limit` bytes.
            PathTaken: there is such a file, and `origin.replace` is off.
        """
        draft = self._draft(workspace_id, path, origin)
        try:
            size = await self._storage.write(
                draft.storage_name, chunks, limit=limit, headers=draft.stored_headers
            )
        except TooLarge:
            raise Refused("too_large", f"a file has at most {limit} bytes: split it") from None
        return await self._publish(draft, size=size, origin=origin, fence=fence)

    async def adopt(
        self,
        workspace_id: str,
        path: str,
        *,
        file: Path,
        origin: Origin,
        fence: Fence | None = None,
    ) -> DriveFile:
        """Take a finished file of the server's own, which stays there. Raises PathTaken."""
        draft = self._draft(workspace_id, path, origin)
        size = await self._storage.adopt(draft.storage_name, file, headers=draft.stored_headers)
        return await self._publish(draft, size=size, origin=origin, fence=fence)

    async def stat(self, workspace_id: str, path: str) -> DriveFile | None:
        return await self._db.glance(lambda tx: find(tx, workspace_id=workspace_id, path=path))

    async def find(self, workspace_id: str, path: str) -> DriveFile:
        """Return what is known of a file.

        Raises:
            Refused: `file_not_found`.
        """
        file = await self.stat(workspace_id, path)
        if file is None:
            raise no_file(path)
        return file

    async def stored_as(self, name: str) -> DriveFile | None:
        """Return the file whose bytes lie in the storage under a name."""
        blob = name.rpartition("/")[2]
        row = await self._db.glance(lambda tx: tx.one(QUERIES.find_blob, blob=blob))
        file = None if row is None else _file(row)
        return file if file is not None and file.storage_name == name else None

    async def open(self, workspace_id: str, path: str) -> Opened:
        """Find a file and its bytes; they stay readable for who opens them at once.

        Raises:
            Refused: `file_not_found`.
        """
        for _ in range(3):  # between row and bytes the file may be written anew
            file = await self.stat(workspace_id, path)
            local = file and await self._storage.local_path(file.storage_name)
            if file and local:
                return Opened(file, local)
        raise no_file(path)

    async def stream(self, workspace_id: str, path: str) -> tuple[DriveFile, BinaryIO]:
        """Open a file's bytes, which stay those of one version. Raises as `open`."""
        while True:
            opened = await self.open(workspace_id, path)
            try:
                return opened.file, await asyncio.to_thread(opened.local.open, "rb")
            except FileNotFoundError:
                continue  # written anew between the look and the opening

    async def list(
        self, workspace_id: str, *, prefix: str = "", after: str = "", limit: int
    ) -> list[DriveFile]:
        """Return files by path, those that begin with `prefix` and come after `after`."""
        rows = await self._db.read(
            lambda tx: tx.all(
                QUERIES.page,
                workspace_id=workspace_id,
                prefix=prefix,
                prefix_end=prefix_end(prefix),
                after=after,
                limit=limit,
            )
        )
        return [_file(row) for row in rows]

    async def delete(self, workspace_id: str, path: str) -> bool:
        """Delete a file; False when there is none."""
        row = await self._db.write(
            lambda tx: tx.one(QUERIES.delete, workspace_id=workspace_id, path=path)
        )
        if row is not None:
            await self._storage.delete(f"{_PREFIX}{workspace_id}/{row['blob']}")
        return row is not None

    async def tidy(self, *, settled_seconds: float) -> int:
        """Remove bytes that no row knows, of writes that a crash cut off; return how many files.

        Those that came within `settled_seconds` stay: their row may be about to be written.
        """
        removed, before = 0, time.time() - settled_seconds
        async for stored in self._storage.listing(_PREFIX):
            if stored.changed < before and await self.stored_as(stored.name) is None:
                await self._storage.delete(stored.name)
                removed += 1
        return removed

    def _draft(self, workspace_id: str, path: str, origin: Origin) -> DriveFile:
        return DriveFile(
            workspace_id=workspace_id,
            path=path,
            size_bytes=0,
            mime=mime_of(path, origin.declared_mime),
            blob=new_id(),
            created_at=self._clock(),
            key_id=origin.key_id,
            job_id=origin.job_id,
        )

    async def _publish(
        self, draft: DriveFile, *, size: int, origin: Origin, fence: Fence | None
    ) -> DriveFile:
        """Point the row to the new bytes and drop the old ones, or drop the new ones.

        Shielded: once begun it ends, for after a cancel nobody would know which bytes are in use.
        """
        return await asyncio.shield(
            asyncio.ensure_future(self._swap(draft, size=size, origin=origin, fence=fence))
        )

    async def _swap(
        self, draft: DriveFile, *, size: int, origin: Origin, fence: Fence | None
    ) -> DriveFile:
        async def move(tx: Transaction) -> DriveFile | None:
            if fence is not None:
                await fence(tx)
            place = {"workspace_id": draft.workspace_id, "path": draft.path}
            await tx.one(QUERIES.lock_path, **place)
            before = await find(tx, **place)
            if before is not None and not origin.replace:
                raise PathTaken(draft.path)
            await _put(tx, draft, size=size)
            return before

        try:
            before = await self._db.write(move)
        except Unsure:
            raise  # the row may be there, and need the bytes
        except Exception:
            await self._storage.delete(draft.storage_name)
            raise
        if before is not None:
            await self._storage.delete(before.storage_name)
        return replace(draft, size_bytes=size)


async def find(tx: Transaction, *, workspace_id: str, path: str) -> DriveFile | None:
    row = await tx.one(QUERIES.find, workspace_id=workspace_id, path=path)
    return None if row is None else _file(row)


async def storage_names(tx: Transaction) -> set[str]:
    """Return the names under which every file's bytes are kept."""
    rows = await tx.all(QUERIES.every_blob)
    return {f"{_PREFIX}{row['workspace_id']}/{row['blob']}" for row in rows}


async def _put(tx: Transaction, file: DriveFile, *, size: int) -> None:
    await tx.run(
        QUERIES.insert_or_replace,
        workspace_id=file.workspace_id,
        path=file.path,
        size_bytes=size,
        mime=file.mime,
        blob=file.blob,
        key_id=file.key_id,
        job_id=file.job_id,
        created_at=file.created_at,
    )


def no_file(path: str) -> Refused:
    """Return the refusal of a path under which there is nothing."""
    return Refused("file_not_found", f"there is no file `{path}` in the drive: list the drive")


def _file(row: Row) -> DriveFile:
    return DriveFile(
        workspace_id=row["workspace_id"],
        path=row["path"],
        size_bytes=row["size_bytes"],
        mime=row["mime"],
        blob=row["blob"],
        created_at=row["created_at"],
        key_id=row["key_id"],
        job_id=row["job_id"],
    )
