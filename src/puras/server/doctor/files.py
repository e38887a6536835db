"""Bytes and rows: what a row names must be there, and what no row names only costs space.

A row may be about to be written, so bytes count as orphans once they have been there for a while.
"""

from __future__ import annotations

import time

from puras.server.agent.workspace_copy import COPIES, WorkspaceCopies
from puras.server.db.database import Database
from puras.server.doctor.check import Check
from puras.server.kept import kept_names
from puras.server.settings import BadSetting, Settings
from puras.server.storage.disk import DiskStorage
from puras.server.storage.place import open_storage
from puras.server.storage.port import StorageUnavailable, Stored


async def examine_files(db: Database, settings: Settings, *, settled_seconds: float) -> Check:
    """Compare what rows name with what the storage has."""
    place = settings.storage_url or str(settings.files_path)
    needed = await db.read(kept_names)
    try:
        storage = open_storage(settings)
        if not isinstance(storage, DiskStorage):
            await storage.probe()
        present = await _present(settings)
        strays = await WorkspaceCopies(db, storage).strays()
    except (BadSetting, StorageUnavailable) as error:
        return Check("files", "fail", f"{place} can't be used: {error}")
    orphans = [*_orphans(present, needed, settled_seconds=settled_seconds), *strays]
    return _compared(place, needed=needed, missing=sorted(needed - set(present)), orphans=orphans)


async def remove_orphans(db: Database, settings: Settings, *, settled_seconds: float) -> int:
    """Remove the bytes that no row names, and return how many files it were."""
    storage = open_storage(settings)
    needed = await db.read(kept_names)
    orphans = _orphans(await _present(settings), needed, settled_seconds=settled_seconds)
    for stored in orphans:
        await storage.delete(stored.name)
    return len(orphans) + await WorkspaceCopies(db, storage).tidy()


async def _present(settings: Settings) -> dict[str, Stored]:
    listing = open_storage(settings).listing()
    return {stored.name: stored async for stored in listing if not stored.name.startswith(COPIES)}


def _orphans(
    present: dict[str, Stored], needed: set[str], *, settled_seconds: float
) -> list[Stored]:
    before = time.time() - settled_seconds
    return [s for s in present.values() if s.name not in needed and s.changed < before]


def _compared(place: str, *, needed: set[str], missing: list[str], orphans: list[Stored]) -> Check:
    if missing:
        return Check(
            "files",
            "fail",
            f"the bytes of {len(missing)} of {len(needed)} files are gone, restore {place} from a "
            f"backup; the first is {missing[0]}",
        )
    if orphans:
        size = sum(stored.size_bytes for stored in orphans)
        return Check(
            "files",
            "warn",
            f"{len(orphans)} files ({size} bytes) in {place} are known to no row: a crash "
            "left them; a server that runs removes them after some days, --fix at once",
            mendable=True,
        )
    return Check("files", "ok", f"all {len(needed)} are in {place}")
