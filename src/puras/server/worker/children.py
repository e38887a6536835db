"""Child jobs: what `subagent.run` in a skill, or an agent's tool, starts, waits for, and gets back.

The call is recorded as intended, with the child's id, in the transaction that queues the child; a
later attempt of the parent finds it there and waits for the same child instead of a second one.
What the child says meanwhile is told in the parent's log, and how far that got is kept in the
recorded call, in the transaction that adds it: so each event is there once, whichever attempt it
was that told it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from puras.bundle.layout import folder_of
from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.deployments.bundles import Bundles
from puras.server.events import store as events
from puras.server.events.encoded import terminal_status
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent, StoredEvent
from puras.server.jobs import calls, store
from puras.server.jobs.inline import owner_of
from puras.server.jobs.inputs import named_paths
from puras.server.jobs.submit import submit_child
from puras.server.refusals import Refused
from puras.server.spans.store import call_span_id
from puras.server.worker.child_calls import (
    ChildCall,
    ChildTarget,
    find_target,
    not_found,
    read_call,
)
from puras.server.worker.child_events import ChildLog
from puras.server.worker.child_jobs import as_seen, child_job
from puras.server.worker.host import JobHost
from puras.server.worker.loop import Active
from puras.server.worker.reference_files import read_prompt
from puras.server.worker.run_drive import RunDrive
from puras.server.worker.trace import Trace
from puras.wire import MAX_SUBAGENT_DEPTH, TERMINAL_STATUSES

_LOOK_AGAIN_SECONDS = 5.0
_PAGE = 200
_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parent:
    """The attempt that calls: what it reaches, its log and its spans."""

    active: Active
    run_drive: RunDrive
    host: JobHost
    trace: Trace

    @property
    def row(self) -> Row:
        return self.active.row


@dataclass(frozen=True, slots=True)
class Children:
    """Starts children and waits for them. `announce` tells of committed changes."""

    db: Database
    hub: Hub
    clock: Clock
    bundles: Bundles
    announce: Callable[[store.Changes], None]

    async def run(self, parent: Parent, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run a child to its end and return it as a job; a failed child is no error here.

        The child gets no more of the drive than its parent reaches, and the parent reaches what
        the child's result names.

        Raises:
            Refused: the target does not exist, its inputs do not fit, the chain is too deep or
                goes in a circle.
        """
        return await self.call(parent, read_call(arguments))

    async def call(self, parent: Parent, called: ChildCall) -> dict[str, Any]:
        """As `run`, with a call that was read before."""
        parent_id = parent.row["id"]
        known = await self.db.read(lambda tx: calls.recall(tx, job_id=parent_id, call=called.key))
        if known is not None and known[0] == "done":
            job = dict(known[1])
        else:
            # What an earlier version of the server began has nothing but the id.
            begun = {"told": 0, **known[1]} if known else await self._start(parent, called)
            job = await self._traced(parent, called, begun)
        parent.run_drive.grant(output["drive_path"] for output in job["outputs"])
        return job

    async def _start(self, parent: Parent, called: ChildCall) -> dict[str, Any]:
        row = parent.row
        if row["depth"] >= MAX_SUBAGENT_DEPTH:
            raise Refused(
                "invalid_request",
                f"a chain of subagents is at most {MAX_SUBAGENT_DEPTH} deep: "
                "let an outer skill make this call",
            )
        target = await self.find(row, called)
        await self._refuse_circles(row, target)
        job = child_job(row, target, called)
        for path in named_paths(target.skill, job.inputs, workspace_id=row["workspace_id"]):
            parent.run_drive.readable({"path": path})

        begun = {"job_id": job.id, "told": 0}
        told = parent.host.event("subagent_start", _told(called, job.id, depth=job.depth))

        async def effect(tx: Transaction) -> list[StoredEvent]:
            if await submit_child(tx, row, job, now=self.clock()) is None:
                raise _over()
            return await self._keep(tx, row, called, state="intended", value=begun, told=[told])

        await parent.host.written()
        try:
            self.hub.publish(await self.db.write(effect))
        except store.DeploymentGone:
            raise not_found(called) from None
        return begun

    async def find(self, row: Row, called: ChildCall) -> ChildTarget:
        """Return what a call by a job means. Raises Refused, as `run`."""
        target = await self.db.read(lambda tx: find_target(tx, row, called))
        if called.is_reference:
            deployment = target.deployment
            bundle = await self.bundles.unpacked(deployment.id, deployment.sha256)
            folder = bundle / folder_of(owner_of(target.skill["name"]))
            if await asyncio.to_thread(read_prompt, folder, called.target) is None:
                raise not_found(called)
        return target

    async def _traced(
        self, parent: Parent, called: ChildCall, begun: dict[str, Any]
    ) -> dict[str, Any]:
        trace, child_id = parent.trace, begun["job_id"]
        span = trace.begin(
            "tool",
            f"subagent {called.title}",
            parent=trace.below(called.span),
            span_id=call_span_id(child_id),
        )
        job = await self._finish(parent, called, begun)
        await trace.end(span, job_id=child_id, status=job["status"])
        return job

    async def _finish(
        self, parent: Parent, called: ChildCall, begun: dict[str, Any]
    ) -> dict[str, Any]:
        row = await self._wait(parent, called, begun)
        job = as_seen(row)
        payload = {**_told(called, row["id"], depth=row["depth"]), "status": row["status"]}
        told = parent.host.event("subagent_end", payload)
        await self._write(parent, called, state="done", value=job, told=[told])
        return job

    async def _write(
        self,
        parent: Parent,
        called: ChildCall,
        *,
        state: str,
        value: Any,
        told: Sequence[NewEvent],
    ) -> None:
        """Keep how far a call is, with the events that tell of it. Raises Refused: over."""

        async def effect(tx: Transaction) -> list[StoredEvent]:
            return await self._keep(tx, parent.row, called, state=state, value=value, told=told)

        await parent.host.written()
        self.hub.publish(await self.db.write(effect))

    async def _keep(
        self,
        tx: Transaction,
        row: Row,
        called: ChildCall,
        *,
        state: str,
        value: Any,
        told: Sequence[NewEvent],
    ) -> list[StoredEvent]:
        job_id, attempt = row["id"], row["attempt"]
        if not await store.takes_turn(tx, job_id=job_id, attempt=attempt):
            raise _over()
        await calls.record(
            tx, job_id=job_id, attempt=attempt, call=called.key, state=state, value=value
        )
        if not told:
            return []
        return await events.append(tx, job_id=job_id, attempt=attempt, events=told)

    async def _refuse_circles(self, row: Row, target: ChildTarget) -> None:
        if target.is_inline:
            return  # a prompt is a new one each time; the depth bounds it
        above = await self.db.read(lambda tx: store.ancestors(tx, row["id"]))
        if (target.skillpack.id, target.skill["name"]) in above:
            raise Refused(
                "invalid_request",
                f"`{target.skill['name']}` is already running above this call: "
                "a chain of subagents may not go in a circle",
            )

    async def _wait(self, parent: Parent, called: ChildCall, begun: dict[str, Any]) -> Row:
        """Wait for the child's end; at the timeout it is cancelled."""
        active, child_id = parent.active, begun["job_id"]
        active.waiting_for.add(child_id)
        await self._give_slot_away(active, child_id)
        try:
            return await self._follow(parent, called, begun)
        finally:
            active.waiting_for.discard(child_id)

    async def _follow(self, parent: Parent, called: ChildCall, begun: dict[str, Any]) -> Row:
        """Tell what the child says until it has said its last."""
        child_id, deadline = begun["job_id"], time.monotonic() + called.timeout
        row = await self._row(child_id)
        ctx = _told(called, child_id, depth=row["depth"])
        log = ChildLog(ctx, public_only=bool(row["public_view"]))
        with self.hub.watch(child_id) as watch:
            while not await self._tell(parent, called, begun, log):
                left = deadline - time.monotonic()
                if left <= 0:
                    await self._cancel(child_id)
                else:
                    await watch.wait(min(left, _LOOK_AGAIN_SECONDS))
        return await self._row(child_id)

    async def _tell(
        self, parent: Parent, called: ChildCall, begun: dict[str, Any], log: ChildLog
    ) -> bool:
        """Tell what the child said since the last time; True once that was its end."""
        while True:
            found = await self.db.read(
                lambda tx: events.page(
                    tx, job_id=begun["job_id"], after=begun["told"], limit=_PAGE, most_bytes=_BYTES
                )
            )
            if not found:
                return False
            begun["told"] = found[-1].id
            retold = [log.retold(event, parent.host) for event in found]
            told = [event for event in retold if event is not None]
            if told:
                await self._write(parent, called, state="intended", value=begun, told=told)
            if terminal_status(found[-1]) is not None:
                return True

    async def _row(self, child_id: str) -> Row:
        row = await self.db.read(lambda tx: store.get(tx, child_id))
        assert row is not None, "jobs are never deleted while their parent runs"
        return row

    async def _give_slot_away(self, parent: Active, child_id: str) -> None:
        """Count the parent as waiting, also in a later attempt that found its child at work."""

        async def effect(tx: Transaction) -> None:
            await store.lock(tx, parent.row["id"])  # the child's end waits for it
            row = await store.get(tx, child_id)
            if row is not None and row["status"] not in TERMINAL_STATUSES:
                await store.wait_for_child(
                    tx, job_id=parent.row["id"], attempt=parent.row["attempt"]
                )

        await self.db.write(effect)
        self.announce(store.Changes())

    async def _cancel(self, child_id: str) -> None:
        if self.hub.closing:
            await asyncio.Event().wait()  # shutting down: this task is cancelled with its run
        changes = await self.db.write(
            lambda tx: store.cancel(
                tx, job_id=child_id, by="its parent's timeout", now=self.clock()
            )
        )
        self.announce(changes)


def _over() -> Refused:
    return Refused("job_not_found", "this run is over")


def _told(called: ChildCall, child_id: str, *, depth: int) -> dict[str, Any]:
    return {"label": called.title, "depth": depth, "job_id": child_id}
