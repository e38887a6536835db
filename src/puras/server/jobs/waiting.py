"""Holds a request until a job is over or a time has passed, woken by the job's own events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from puras.server.db.database import Row
from puras.server.jobs import store
from puras.wire import TERMINAL_STATUSES

if TYPE_CHECKING:
    from puras.server.db.database import Database
    from puras.server.events.hub import Hub, Watch

_LOOK_AGAIN_SECONDS = 5.0


async def wait_for_end(db: Database, hub: Hub, job_id: str, *, seconds: float) -> Row | None:
    """Return the job once it is terminal, or as it is after `seconds`; None: no such job."""
    deadline = time.monotonic() + seconds
    with hub.watch(job_id) as watch:
        while True:
            row = await db.glance(lambda tx: store.get(tx, job_id))
            if row is None or row["status"] in TERMINAL_STATUSES or hub.closing:
                return row
            if not await _may_be_over(watch, hub, deadline):
                return row


async def _may_be_over(watch: Watch, hub: Hub, deadline: float) -> bool:
    """Wait until the job is worth a look, and return False where the time is over before.

    What is at hand of its log can tell that it goes on; where nothing tells, a look must.
    """
    while (left := deadline - time.monotonic()) > 0:
        was_woken = await watch.wait(min(left, _LOOK_AGAIN_SECONDS))
        if not was_woken or hub.closing or not watch.goes_on():
            return True
    return False
