"""The worker: claims queued jobs while it has places, and sees each run to its end.

One job is a value threaded through a few steps: claim → prepare (bundle, environment) → run →
shape the outcome → end. A run that waits for a child gives its place away meanwhile, so a chain
of subagents never starves itself. Whatever ends a job elsewhere (a cancel, a lost lease) cancels
its task here, and with it the processes of the run.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog
from structlog.contextvars import bind_contextvars

from puras.server.approvals import store as approvals
from puras.server.clock import SECOND, Clock, Micros, new_id
from puras.server.db.database import Database, Row, Transaction, Unavailable
from puras.server.events.hub import Hub
from puras.server.events.writer import EventWriter
from puras.server.jobs import leases, store
from puras.server.jobs.claim import claim
from puras.server.jobs.states import Ending
from puras.server.metrics.instruments import CLAIMS, LOST, WAITS, running_is
from puras.server.spans import store as spans
from puras.server.spans.store import Span
from puras.server.worker.expiry import Expiry
from puras.server.worker.lease import Lease
from puras.server.worker.queue.port import Queue
from puras.server.worker.spec import Lost, Parked
from puras.server.workers import store as workers

_log = structlog.get_logger(__name__)
_IDLE_SECONDS = 1.0
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0)  # seconds between the tries to write an end


@dataclass(slots=True)
class Active:
    """A job that runs here. `waiting_for` are the children it waits for, `spans` what is to be
    written of it with its attempt's end."""

    row: Row
    task: asyncio.Task[None] | None = None
    waiting_for: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)


Concluded: TypeAlias = Ending | Lost | Parked
"""How an attempt ended, ready to be written."""

Perform: TypeAlias = Callable[[Active], Awaitable[Concluded]]
"""Runs one attempt to its outcome; `worker.attempt` has the real one."""


@dataclass(slots=True)
class Worker:
    """Runs up to `concurrency` jobs at once; those that wait for a child do not count."""

    db: Database
    hub: Hub
    queue: Queue
    writer: EventWriter
    clock: Clock
    concurrency: int
    workspace_concurrency: int
    perform: Perform
    prepare: Callable[[str], None]
    clear: Callable[[str], Awaitable[None]]
    approval_timeout: Micros = 1800 * SECOND
    id: str = field(default_factory=lambda: f"{os.uname().nodename}-{os.getpid()}-{new_id()[-12:]}")
    _active: dict[str, Active] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _lease: Lease | None = None
    _stopping: bool = False

    async def start(self, *, alone: bool) -> None:
        """Begin to claim. `alone`: no other process shares this database, so whatever still
        counts as running belonged to a server that died, and is queued again at once."""
        self._lease = lease = Lease(
            self.db,
            worker_id=self.id,
            places=self.concurrency,
            clock=self.clock,
            running=lambda: {(a.row["id"], a.row["attempt"]) for a in self._active.values()},
            drop=self._drop,
            publish=self.announce,
        )
        if alone:
            await lease.recover(every=True)
            await self.db.write(lambda tx: workers.forget(tx, before=self.clock()))
        running_is(lambda: len(self._active))
        self._tasks = [
            asyncio.create_task(lease.keep(), name="puras-lease"),
            asyncio.create_task(self._claim_loop(), name="puras-claim"),
            asyncio.create_task(
                Expiry(self.db, self.clock, self.announce).keep(), name="puras-approvals"
            ),
        ]

    async def stop(self, *, grace: float) -> None:
        """Take nothing new, give running jobs `grace` seconds to end, hand the rest back."""
        self._stopping = True
        running = [a.task for a in self._active.values() if a.task is not None]
        if running:
            await asyncio.wait(running, timeout=grace)
        for active in list(self._active.values()):
            await self._hand_back(active)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leave()
        await self.writer.drain()

    async def _leave(self) -> None:
        if self._lease is None:
            return
        try:
            await self._lease.leave()
        except Exception:
            _log.warning("worker_not_signed_off", worker_id=self.id, exc_info=True)

    def announce(self, changes: store.Changes) -> None:
        """Tell of committed changes: readers wake, ended jobs stop running, slots are free."""
        self.hub.publish(changes.events)
        self.let_go(changes.ended)
        self.queue.wake()

    def let_go(self, ended: Collection[str]) -> None:
        """Stop what runs here of jobs that are over, and count no parent as waiting for them."""
        for active in self._active.values():
            # At once, not when the parent gets round to it: its place is its own again.
            active.waiting_for.difference_update(ended)
        for job_id in ended:
            if (run := self._active.get(job_id)) is not None and run.task is not None:
                run.task.cancel()

    async def look(self) -> None:
        """Stop what was ended elsewhere, also where nobody told of it."""
        if self._lease is not None:
            await self._lease.look()

    def running(self) -> list[str]:
        """Return the ids of the jobs that run here."""
        return list(self._active)

    def _free_places(self) -> int:
        busy = sum(not active.waiting_for for active in self._active.values())
        return 0 if self._stopping else self.concurrency - busy

    async def _claim_loop(self) -> None:
        while not self._stopping:
            try:
                claimed = await self._claim() if self._free_places() > 0 else False
            except Exception:
                _log.exception("claim_failed")
                claimed = False
            if not claimed:
                await self.queue.wait(_IDLE_SECONDS)

    async def _claim(self) -> bool:
        """Claim what there is; True: as much as was asked for, so there may be more."""
        most = self._free_places()
        rows, changes = await self.db.write(
            lambda tx: claim(
                tx,
                worker_id=self.id,
                concurrency=self.workspace_concurrency,
                most=most,
                now=self.clock(),
            )
        )
        self.hub.publish(changes.events)
        for row in rows:
            if (former := self._active.get(row["id"])) is not None and former.task is not None:
                former.task.cancel()  # an attempt of ours that was taken from us meanwhile
            _count(row)
            active = self._active[row["id"]] = Active(row)
            active.task = asyncio.create_task(self._see_through(active), name=f"job-{row['id']}")
        return len(rows) == most

    async def _see_through(self, active: Active) -> None:
        row = active.row
        bind_contextvars(
            job_id=row["id"],
            attempt=row["attempt"],
            workspace_id=row["workspace_id"],
            skill=f"{row['skillpack']}/{row['skill_name']}",
        )
        try:
            outcome = await self._outcome(active)
            await self.writer.drain((row["id"], row["attempt"]))
            changes = await self._conclude_patiently(active, outcome)
            self._forget(active)
            self.announce(changes)
            LOST.inc(isinstance(outcome, Lost))
            _log.debug("run_concluded", outcome=getattr(outcome, "status", type(outcome).__name__))
        except asyncio.CancelledError:
            _log.info("run_stopped", job_id=row["id"], attempt=row["attempt"])
            await self._keep_spans(active)
        except Exception:
            # The lease is no longer renewed for it, so the job comes back by itself.
            _log.exception("run_not_concluded", job_id=row["id"], attempt=row["attempt"])
        finally:
            self._forget(active)
            self.queue.wake()
            await self._clear(row)

    async def _clear(self, row: Row) -> None:
        """Remove what an agent's run kept for a later attempt, where there will be none."""
        if row["type"] != "agentic" or self._stopping:
            return
        try:
            await self.clear(row["id"])
        except Exception:
            _log.exception("not_cleared", job_id=row["id"])  # it is tidied up within the hour

    async def _outcome(self, active: Active) -> Concluded:
        try:
            return await self.perform(active)
        except Exception as error:
            _log.exception("run_broke", job_id=active.row["id"], attempt=active.row["attempt"])
            return Lost(f"the server failed: {type(error).__name__}")

    async def _conclude_patiently(self, active: Active, outcome: Concluded) -> store.Changes:
        """Write how a run ended; a database that can't write now is asked again and again."""
        for pause in _PAUSES:
            try:
                return await self.db.write(lambda tx: self._conclude(tx, active, outcome))
            except Unavailable as error:
                _log.warning("end_not_written", job_id=active.row["id"], error=str(error))
                await asyncio.sleep(pause)
        return await self.db.write(lambda tx: self._conclude(tx, active, outcome))

    async def _keep_spans(self, active: Active) -> None:
        try:
            await self.db.write(lambda tx: spans.put(tx, active.spans))
        except Exception:
            _log.exception("spans_not_written", job_id=active.row["id"])

    async def _conclude(self, tx: Transaction, active: Active, outcome: Concluded) -> store.Changes:
        row, changes = active.row, store.Changes()
        await spans.put(tx, active.spans)
        if isinstance(outcome, Lost):
            _log.warning("run_lost", job_id=row["id"], reason=outcome.reason)
            await leases.lose(tx, row, now=self.clock(), changes=changes)
        elif isinstance(outcome, Parked):
            await approvals.park(
                tx,
                row,
                outcome.asks,
                timeout=self.approval_timeout,
                now=self.clock(),
                changes=changes,
            )
        else:
            await store.end(
                tx,
                job_id=row["id"],
                attempt=row["attempt"],
                ending=outcome,
                now=self.clock(),
                changes=changes,
            )
        return changes

    async def _hand_back(self, active: Active) -> None:
        row = active.row
        await self._cancel(active)

        async def effect(tx: Transaction) -> store.Changes:
            changes = store.Changes()
            await store.hand_back(
                tx, job_id=row["id"], attempt=row["attempt"], now=self.clock(), changes=changes
            )
            return changes

        self.hub.publish((await self.db.write(effect)).events)

    async def _drop(self, job_id: str) -> None:
        if (active := self._active.get(job_id)) is not None:
            await self._cancel(active)

    async def _cancel(self, active: Active) -> None:
        if active.task is not None:
            active.task.cancel()
            await asyncio.gather(active.task, return_exceptions=True)

    def _forget(self, active: Active) -> None:
        if self._active.get(active.row["id"]) is active:
            del self._active[active.row["id"]]


def _count(row: Row) -> None:
    CLAIMS.labels(row["type"]).inc()
    if row["attempt"] == 1:
        WAITS.labels(row["type"]).observe((row["started_at"] - row["created_at"]) / SECOND)
