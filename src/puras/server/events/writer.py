"""Writes the events of all runs in this process, many to a commit.

While one group is being committed the next one gathers, so a lone event is written at once and a
flood in groups. The events of one job keep their order. Those of an attempt that no longer runs
are dropped by the log itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque

import structlog

from puras.server.db.database import Database, Transaction
from puras.server.events import store
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent, StoredEvent

_GROUP = 256
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0)  # seconds: a full disk may be mended meanwhile
_log = structlog.get_logger(__name__)
Attempt = tuple[str, int]


class EventWriter:
    """`add` never blocks; `drain` waits until a job's events are committed."""

    def __init__(self, db: Database, hub: Hub) -> None:
        self._db = db
        self._hub = hub
        self._pending: deque[tuple[Attempt, NewEvent]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, attempt: Attempt, event: NewEvent) -> None:
        """Queue an event of (job id, attempt number)."""
        self._pending.append((attempt, event))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())

    async def drain(self) -> None:
        """Return once everything that was added so far is committed or was dropped."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    async def _flush(self) -> None:
        while self._pending:
            count = min(len(self._pending), _GROUP)
            group = [self._pending.popleft() for _ in range(count)]
            self._hub.publish(await self._write(group))

    async def _write(self, group: list[tuple[Attempt, NewEvent]]) -> list[StoredEvent]:
        batch: dict[Attempt, list[NewEvent]] = defaultdict(list)
        for attempt, event in group:
            batch[attempt].append(event)
        for pause in (*_PAUSES, None):
            try:
                return await self._db.write(lambda tx: _append(tx, batch))
            except Exception:
                _log.exception("events_not_written", count=len(group), again_in_seconds=pause)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last round returns or raises")


async def _append(tx: Transaction, batch: dict[Attempt, list[NewEvent]]) -> list[StoredEvent]:
    stored: list[StoredEvent] = []
    for job_id, attempt in sorted(batch):
        stored += await store.append(
            tx, job_id=job_id, attempt=attempt, events=batch[job_id, attempt]
        )
    return stored
