"""Writes the events of all runs in this process, many to a commit.

While one group is being committed the next one gathers, and for a few milliseconds more unless
somebody waits for it: a lone event is written at once and a flood in groups. The events of one job
keep their order. Those of an attempt that no longer runs are dropped by the log itself. A run that
ends waits for its own last event and for what came before it, never for what another run goes on
to say.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

import structlog

from puras.server.db.database import Database
from puras.server.events import store
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent, StoredEvent
from puras.server.metrics.instruments import EVENT_COMMITS, EVENT_GROUP

_GROUP = 256
REST_SECONDS = 0.005
"""From the beginning of one commit to that of the next: alone in its commit an event costs three
times what it costs among five."""
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0)  # seconds: a full disk may be mended meanwhile
_log = structlog.get_logger(__name__)
Attempt: TypeAlias = tuple[str, int]
_Batch: TypeAlias = dict[Attempt, list[NewEvent]]


class EventsLost(Exception):
    """Some of an attempt's events could not be written: its log would have a hole."""


class EventWriter:
    """`add` never blocks; `drain` waits until an attempt's events are committed.

    `pauses` are the seconds between the tries of a commit that fails, `rest` those from one commit
    to the next that nobody waits for.
    """

    def __init__(
        self,
        db: Database,
        hub: Hub,
        *,
        pauses: Sequence[float] = _PAUSES,
        rest: float = REST_SECONDS,
    ) -> None:
        self._db = db
        self._hub = hub
        self._pauses = pauses
        self._rest = rest
        self._rested_at = 0.0
        self._hurry = asyncio.Event()
        self._pending: deque[tuple[Attempt, NewEvent] | asyncio.Future[None]] = deque()
        self._lost: set[Attempt] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, attempt: Attempt, event: NewEvent) -> None:
        """Queue an event of (job id, attempt number)."""
        self._pending.append((attempt, event))
        self._begin()

    async def drain(self, attempt: Attempt | None = None) -> None:
        """Return once everything that was added so far is committed or was dropped.

        Raises:
            EventsLost: some events of `attempt` could not be written.
        """
        mark = asyncio.get_running_loop().create_future()
        self._pending.append(mark)
        self._hurry.set()
        self._begin()
        await mark
        if attempt in self._lost:
            self._lost.discard(attempt)
            raise EventsLost(f"the log of job {attempt[0]} could not be written")

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush(), name="puras-events")

    async def _flush(self) -> None:
        while self._pending:
            await self._gather()
            batch, marks = self._next_group()
            if batch:
                self._hub.publish(await self._write(batch))
                EVENT_COMMITS.inc()
                EVENT_GROUP.observe(sum(map(len, batch.values())))
            for mark in marks:
                if not mark.done():
                    mark.set_result(None)

    async def _gather(self) -> None:
        """Let a group gather until the rest is over, it is full, or somebody waits."""
        now = asyncio.get_running_loop().time
        if len(self._pending) < _GROUP and now() < self._rested_at:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._rested_at):
                    await self._hurry.wait()
        self._rested_at = now() + self._rest

    def _next_group(self) -> tuple[_Batch, list[asyncio.Future[None]]]:
        batch: _Batch = defaultdict(list)
        marks = []
        for _ in range(min(len(self._pending), _GROUP)):
            item = self._pending.popleft()
            if isinstance(item, asyncio.Future):
                marks.append(item)
            else:
                batch[item[0]].append(item[1])
        if not self._pending:
            self._hurry.clear()
        return batch, marks

    async def _write(self, batch: _Batch) -> list[StoredEvent]:
        for pause in (*self._pauses, None):
            try:
                return await self._db.write(lambda tx: store.append_all(tx, batch))
            except Exception:
                _log.exception("events_not_written", attempts=len(batch), again_in_seconds=pause)
                if pause is not None:
                    await asyncio.sleep(pause)
        self._lost.update(batch)
        return []
