"""Copies of agents' working directories, so that a later attempt goes on with the same files.

A copy is an archive in the storage under a new name each time, and a recorded call of the job says
which one counts: an attempt that was fenced off moves that pointer no more. Copies of jobs that are
over, and those that no pointer knows, are removed by `tidy`; `forget` does it at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puras.server.clock import new_id
from puras.server.db.database import Database, Row, Transaction
from puras.server.jobs import calls
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.storage.port import Storage, Stored
from puras.wire import TERMINAL_STATUSES

COPIES = "working/"
MAX_COPY_BYTES = 200 * 1024 * 1024
_POINTER = CallKey("hands.copy", "", 1)
_YOUNG_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class WorkspaceCopies:
    """Keeps, finds and removes the copies."""

    db: Database
    storage: Storage

    async def keep(self, row: Row, archive: Path) -> None:
        """Keep an archive as the copy of an attempt's directory; nothing where it is over."""
        before = await self._name(row["id"])
        name = f"{COPIES}{row['id']}/{new_id()}"
        await self.storage.adopt(name, archive)
        if not await self.db.write(lambda tx: _point(tx, row, name)):
            await self.storage.delete(name)
        elif before is not None:
            await self.storage.delete(before)

    async def find(self, job_id: str) -> Path | None:
        """Return the copy as a local file, to be opened at once; None where there is none."""
        name = await self._name(job_id)
        return None if name is None else await self.storage.local_path(name)

    async def forget(self, job_id: str) -> None:
        """Remove what is kept for a job that is over; that of another stays."""
        if await self.db.glance(lambda tx: _needed(tx, job_id)) is not None:
            return
        if (name := await self._name(job_id)) is not None:
            await self.storage.delete(name)

    async def tidy(self) -> int:
        """Remove copies that nobody will ask for and return how many."""
        strays = await self.strays()
        for stored in strays:
            await self.storage.delete(stored.name)
        return len(strays)

    async def strays(self) -> list[Stored]:
        """Return the copies that nobody will ask for; one that is younger than an hour may be on
        its way to be pointed to."""
        found, before = [], time.time() - _YOUNG_SECONDS
        async for stored in self.storage.listing(COPIES):
            job_id = stored.name.removeprefix(COPIES).partition("/")[0]
            if stored.changed > before and await self._is_running(job_id):
                continue
            needed = await self.db.glance(lambda tx, job_id=job_id: _needed(tx, job_id))  # type: ignore[misc]
            if stored.name != needed:
                found.append(stored)
        return found

    async def _name(self, job_id: str) -> str | None:
        return await self.db.glance(lambda tx: _pointed(tx, job_id))

    async def _is_running(self, job_id: str) -> bool:
        return await self.db.glance(lambda tx: _goes_on(tx, job_id))


async def _point(tx: Transaction, row: Row, name: str) -> bool:
    value = {"value": name}
    return await calls.record(
        tx, job_id=row["id"], attempt=row["attempt"], call=_POINTER, state="done", value=value
    )


async def _pointed(tx: Transaction, job_id: str) -> str | None:
    known: tuple[str, Any] | None = await calls.recall(tx, job_id=job_id, call=_POINTER)
    return None if known is None else str(known[1]["value"])


async def _needed(tx: Transaction, job_id: str) -> str | None:
    """Return the name of the copy that a later attempt would ask for."""
    return await _pointed(tx, job_id) if await _goes_on(tx, job_id) else None


async def _goes_on(tx: Transaction, job_id: str) -> bool:
    row = await jobs.get(tx, job_id)
    return row is not None and row["status"] not in TERMINAL_STATUSES
