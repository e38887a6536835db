"""`puras admin doctor --fix`: puts right what can be without guessing, and says what it did."""

from __future__ import annotations

import asyncio

from puras.server import admin
from puras.server.doctor.files import remove_orphans
from puras.server.doctor.leftovers import remove_leftovers
from puras.server.doctor.rows import mend_rows
from puras.server.settings import Settings

SETTLED_SECONDS = 3600.0
"""How old bytes must be before they count as left behind: a row may be about to name them."""


async def mend(settings: Settings, *, settled_seconds: float = SETTLED_SECONDS) -> list[str]:
    """Mend rows, files, processes and folders; return a sentence for each kind of thing.

    Raises:
        NoData, SchemaTooNew: the data is not there, or not of this version.
        StorageUnavailable: the files can't be reached.
    """
    async with admin.open_database(settings) as db:
        told = await mend_rows(db)
        if removed := await remove_orphans(db, settings, settled_seconds=settled_seconds):
            told.append(f"files: {removed} removed")
    return told + await asyncio.to_thread(remove_leftovers, settings.home)
