"""A real platform for the history checker: HTTP in this process, both databases, workers by hand.

Whatever a client can do goes over HTTP. What a worker does is done by the parts that workers have
(claim, lease, recorder, end), one step at a time, so that a history can stop between any two.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from puras.server.app import ROUTES
from puras.server.approvals import store as approvals
from puras.server.approvals.ask import Ask
from puras.server.billing import store as billing
from puras.server.clock import DAY, SECOND, new_id
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import Query
from puras.server.events import store as events
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventWriter
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.jobs.claim import claim
from puras.server.jobs.states import Ending, NewJob
from puras.server.jobs.submit import submit_child
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.worker.expiry import Expiry
from puras.server.worker.lease import Lease
from puras.server.worker.recorder import Doing, Done, Recorder
from puras.server.workspaces import store as workspaces

from ..support import HandClock, Minted, make_skillpack, mint, open_platform, serving

PLACES = 3
APPROVAL_TIMEOUT = 1_800 * SECOND
DONE = Ending("succeeded", result="{}", outputs="[]")
FAILED = Ending("failed", error="no", public_error="no", error_code="function_error")
_SAID = NewEvent(0, "log", '{"level": "info", "message": "hello"}')
_FAULTS = Query(
    "faults",
    """
    SELECT id, 'log' AS fault FROM jobs
    WHERE workspace_id = :workspace_id AND (
        last_event_id <> (SELECT COUNT(*) FROM events WHERE job_id = jobs.id)
        OR last_event_id <> (SELECT MAX(events.id) FROM events WHERE job_id = jobs.id))
    UNION ALL
    SELECT id, 'ends' FROM jobs
    WHERE workspace_id = :workspace_id AND (finished_at IS NOT NULL) <> (
        1 = (SELECT COUNT(*) FROM events WHERE job_id = jobs.id AND type = 'status' AND (
            payload LIKE '%"succeeded"%' OR payload LIKE '%"failed"%'
            OR payload LIKE '%"cancelled"%')))
    UNION ALL
    SELECT holds.id, 'hold' FROM holds JOIN jobs ON jobs.id = holds.job_id
    WHERE holds.workspace_id = :workspace_id
      AND (state <> 'closed') <> (jobs.finished_at IS NULL)
    UNION ALL
    SELECT id, 'balance' FROM workspaces
    WHERE id = :workspace_id AND (balance_micros < 0 OR balance_micros <>
        (SELECT SUM(amount_micros) FROM ledger WHERE workspace_id = :workspace_id))
    """,
)
_RUN_OUT = Query("run_out", "UPDATE jobs SET lease_until = 1 WHERE worker_id = :worker_id")
_LIVE = Query(
    "live",
    "SELECT id FROM jobs WHERE workspace_id = :workspace_id AND status IN ('queued', 'running')",
)


@dataclass
class Site:
    """One workspace on a platform. `portal` runs what is async; each method is one step."""

    portal: BlockingPortal
    platform: Platform
    client: httpx2.AsyncClient
    clock: HandClock
    writer: EventWriter
    workspace_id: str = ""
    pack_id: str = ""
    first: Minted | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    # What clients do

    def request(
        self, method: str, path: str, *, key: Minted | None = None, **more: Any
    ) -> httpx2.Response:
        key = key or self.first
        assert key is not None
        headers = {**key.headers, **more.pop("headers", {})}

        async def send() -> httpx2.Response:
            return await self.client.request(method, f"/v1{path}", headers=headers, **more)

        return self.portal.call(send)

    def shown(self, path: str, *, key: Minted | None = None, **query: Any) -> Any:
        answer = self.request("GET", path, key=key, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # What the operator does

    def begin(self, *, credits: int) -> None:
        """Start a workspace of its own, with a key that may do all."""

        async def make() -> None:
            slug = f"w{new_id()[-12:]}-{next(self._numbers)}"
            workspace = await self.platform.db.write(
                lambda tx: workspaces.create(
                    tx, slug=slug, name=slug, grant_micros=credits, now=self.clock()
                )
            )
            self.workspace_id = workspace.id
            self.first = await mint(self.platform, workspace.id)
            self.pack_id = await make_skillpack(
                self.platform, workspace.id, "pack", skills=["echo", "other"]
            )

        self.portal.call(make)

    def add_credits(self, micros: int) -> None:
        self._write(
            lambda tx: billing.add_credits(
                tx, workspace_id=self.workspace_id, micros=micros, now=self.clock()
            )
        )

    def finish(self) -> None:
        """Leave nothing behind that a later history could claim or recover."""
        rows = self._read(lambda tx: tx.all(_LIVE, workspace_id=self.workspace_id))
        ids = [row["id"] for row in rows]
        self._write(lambda tx: jobs.cancel_all(tx, ids, by="a test", now=self.clock()))

    # What workers do

    def claim(self, worker: str, *, most: int) -> list[Row]:
        rows, _ = self._write(
            lambda tx: claim(tx, worker_id=worker, concurrency=PLACES, most=most, now=self.clock())
        )
        return list(rows)

    def say(self, row: Row) -> bool:
        return bool(
            self._write(
                lambda tx: events.append(
                    tx, job_id=row["id"], attempt=row["attempt"], events=[_SAID]
                )
            )
        )

    def pay(
        self,
        row: Row,
        number: int,
        *,
        bound: int,
        least: int | None,
        cost: int,
        limit: int | None,
        how: str,
    ) -> str:
        """Make a paid call; `how` it goes: done, failed, or open (the worker dies in it)."""
        recorder = Recorder(
            self.platform.db, self.platform.hub, self.writer, self.clock, row, limit
        )
        made = False

        async def do(doing: Doing) -> Done:
            nonlocal made
            made = True
            assert 0 <= doing.held_micros <= bound or doing.again
            if how == "open":
                raise asyncio.CancelledError  # as when the worker dies here
            if how == "failed":
                raise Refused("media_failed", "the provider can't do it")
            return Done(number, cost_micros=cost, events=[_SAID])

        async def perform() -> str:
            try:
                value = await recorder.perform(
                    CallKey("pay", str(number), 1), do, bound_micros=bound, least_micros=least
                )
            except Refused as refused:
                return {"cost_limit": "refused", "media_failed": "failed"}.get(
                    refused.code, refused.code
                )
            except asyncio.CancelledError:
                return "open"
            assert value == number
            return "done" if made else "known"

        return self.portal.call(perform)

    def child(self, row: Row) -> str | None:
        """Start a child of a run; None where the run was fenced off."""
        new = NewJob(
            id=new_id(),
            workspace_id=self.workspace_id,
            skillpack_id=self.pack_id,
            skillpack="pack",
            deployment_id=row["deployment_id"],
            version=1,
            skill_name="other",
            type="function",
            key_id=row["key_id"],
            inputs={},
            wide_reach=True,
            public_view=False,
            parent_job_id=row["id"],
            root_job_id=row["root_job_id"],
            depth=row["depth"] + 1,
        )
        told = self._write(lambda tx: submit_child(tx, row, new, now=self.clock()))
        return None if told is None else new.id

    def end(self, row: Row, ending: Ending) -> bool:
        return self._changed(
            lambda tx, changes: jobs.end(tx, **self._attempt(row, changes), ending=ending)
        )

    def hand_back(self, row: Row) -> bool:
        return self._changed(lambda tx, changes: jobs.hand_back(tx, **self._attempt(row, changes)))

    def park(self, row: Row, count: int) -> list[str] | None:
        """Park a run that asks for so many approvals; return their ids, None if fenced off."""
        asks = [Ask(f"call-{n}", "pay", {}, step=row["attempt"]) for n in range(count)]
        parked = self._changed(
            lambda tx, changes: approvals.park(
                tx, row, asks, timeout=APPROVAL_TIMEOUT, now=self.clock(), changes=changes
            )
        )
        if not parked:
            return None
        shown = self.shown(f"/jobs/{row['id']}/approvals")
        mine = [one for one in shown if one["job_id"] == row["id"]]
        return [one["id"] for one in mine if one["status"] == "pending"]

    def let_leases_run_out(self, *, alive: dict[str, set[tuple[str, int]]], dead: set[str]) -> None:
        """Have the workers that are alive renew their leases, and another one look for the rest."""

        async def look() -> None:
            for worker, running in alive.items():
                await self._lease(worker, running).renew()
            await self._lease("looker", set()).recover()

        for worker in dead:
            self._write(lambda tx, worker=worker: tx.run(_RUN_OUT, worker_id=worker))
        self.portal.call(look)

    def let_approvals_run_out(self) -> None:
        self.clock.moment += APPROVAL_TIMEOUT
        self.portal.call(Expiry(self.platform.db, self.clock, lambda changes: None).look)

    def move_on(self, days: int, *, before: bool) -> None:
        """Let it be a midnight some days later: half a second after it, or `before`."""
        midnight = (self.clock.moment // DAY + days) * DAY
        self.clock.moment = midnight + (-SECOND if before else SECOND) // 2

    # What is true of the rows

    def faults(self) -> list[tuple[str, str]]:
        rows = self._read(lambda tx: tx.all(_FAULTS, workspace_id=self.workspace_id))
        return [(row["fault"], row["id"]) for row in rows]

    def _lease(self, worker: str, running: set[tuple[str, int]]) -> Lease:
        async def drop(job_id: str) -> None:
            raise AssertionError(f"{worker} lost {job_id}, which is its own")

        return Lease(
            self.platform.db,
            worker_id=worker,
            places=PLACES,
            clock=self.clock,
            running=lambda: running,
            drop=drop,
            publish=lambda changes: None,
        )

    def _attempt(self, row: Row, changes: jobs.Changes) -> dict[str, Any]:
        return {
            "job_id": row["id"],
            "attempt": row["attempt"],
            "now": self.clock(),
            "changes": changes,
        }

    def _changed(self, work: Any) -> bool:
        async def effect(tx: Transaction) -> bool:
            return bool(await work(tx, jobs.Changes()))

        return bool(self._write(effect))

    def _write(self, work: Any) -> Any:
        return self.portal.call(self.platform.db.write, work)

    def _read(self, work: Any) -> Any:
        return self.portal.call(self.platform.db.read, work)


@contextmanager
def open_site(home: Path) -> Iterator[Site]:
    """Open a platform on the database of the running test; `begin` starts a history on it."""
    clock = HandClock()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_platform(home, clock=clock)) as platform,
        portal.wrap_async_context_manager(serving(platform, *ROUTES)) as client,
    ):
        writer = EventWriter(platform.db, platform.hub)
        yield Site(portal, platform, client, clock, writer)
