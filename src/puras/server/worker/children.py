"""Child jobs: what `subagent.run` in a skill starts, waits for, and gets back.

The call is recorded as intended, with the child's id, in the transaction that queues the child; a
later attempt of the parent finds it there and waits for the same child instead of a second one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from puras.server.clock import Clock, new_id
from puras.server.db.database import Database, Row, Transaction
from puras.server.events.hub import Hub
from puras.server.jobs import store
from puras.server.jobs.inputs import fill, named_paths
from puras.server.jobs.states import NewJob
from puras.server.jobs.submit import submit_child
from puras.server.jobs.waiting import wait_for_end
from puras.server.refusals import Refused
from puras.server.spans.store import call_span_id
from puras.server.worker.child_calls import (
    ChildCall,
    ChildTarget,
    find_target,
    not_found,
    read_call,
)
from puras.server.worker.loop import Active
from puras.server.worker.run_drive import RunDrive
from puras.server.worker.trace import Trace
from puras.wire import MAX_SUBAGENT_DEPTH, TERMINAL_STATUSES

_MOST_LABEL = 200


@dataclass(frozen=True, slots=True)
class Parent:
    """The attempt that calls: what it reaches, how it adds an event to its log, and its spans."""

    active: Active
    run_drive: RunDrive
    emit: Callable[[str, dict[str, Any]], None]
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
    announce: Callable[[store.Changes], None]

    async def run(self, parent: Parent, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run a child to its end and return it as a job; a failed child is no error here.

        The child gets no more of the drive than its parent reaches, and the parent reaches what
        the child's result names.

        Raises:
            Refused: the target does not exist, its inputs do not fit, the chain is too deep or
                goes in a circle.
        """
        called, parent_id = read_call(arguments), parent.row["id"]
        known = await self.db.read(lambda tx: store.recall(tx, job_id=parent_id, call=called.key))
        if known is not None and known[0] == "done":
            job = dict(known[1])
        else:
            child_id = known[1]["job_id"] if known else await self._start(parent, called)
            job = await self._traced(parent, called, child_id)
        parent.run_drive.grant(output["drive_path"] for output in job["outputs"])
        return job

    async def _start(self, parent: Parent, called: ChildCall) -> str:
        row = parent.row
        if row["depth"] >= MAX_SUBAGENT_DEPTH:
            raise Refused(
                "invalid_request",
                f"a chain of subagents is at most {MAX_SUBAGENT_DEPTH} deep: "
                "let an outer skill make this call",
            )
        target = await self.db.read(lambda tx: find_target(tx, row, called))
        await self._refuse_circles(row, target)
        job = _new_job(row, target, called.inputs)
        for path in named_paths(target.skill, job.inputs, workspace_id=row["workspace_id"]):
            parent.run_drive.readable({"path": path})

        async def effect(tx: Transaction) -> bool:
            event = await submit_child(tx, row, job, now=self.clock())
            return event is not None and await self._record(
                tx, row, called, state="intended", value={"job_id": job.id}
            )

        try:
            begun = await self.db.write(effect)
        except store.DeploymentGone:
            raise not_found(called) from None
        if not begun:
            raise Refused("job_not_found", "this run is over")
        parent.emit("subagent_start", _told(called, job.id, depth=job.depth))
        return job.id

    async def _traced(self, parent: Parent, called: ChildCall, child_id: str) -> dict[str, Any]:
        trace = parent.trace
        span = trace.begin(
            "tool",
            f"subagent {called.target}",
            parent=trace.below(called.span),
            span_id=call_span_id(child_id),
        )
        job = await self._finish(parent, called, child_id)
        await trace.end(span, job_id=child_id, status=job["status"])
        return job

    async def _finish(self, parent: Parent, called: ChildCall, child_id: str) -> dict[str, Any]:
        row = await self._wait(parent.active, child_id, timeout=called.timeout)
        job = _as_job(row)
        await self.db.write(
            lambda tx: self._record(tx, parent.row, called, state="done", value=job)
        )
        told = _told(called, child_id, depth=row["depth"])
        parent.emit("subagent_end", {**told, "status": row["status"]})
        return job

    async def _record(
        self, tx: Transaction, row: Row, called: ChildCall, *, state: str, value: Any
    ) -> bool:
        return await store.record(
            tx,
            job_id=row["id"],
            attempt=row["attempt"],
            call=called.key,
            state=state,
            value=value,
        )

    async def _refuse_circles(self, row: Row, target: ChildTarget) -> None:
        above = await self.db.read(lambda tx: store.ancestors(tx, row["id"]))
        if (target.skillpack.id, target.skill["name"]) in above:
            raise Refused(
                "invalid_request",
                f"`{target.skill['name']}` is already running above this call: "
                "a chain of subagents may not go in a circle",
            )

    async def _wait(self, parent: Active, child_id: str, *, timeout: float) -> Row:
        """Wait for the child's end; at the timeout it is cancelled."""
        parent.waiting_for.add(child_id)
        await self._give_slot_away(parent, child_id)
        try:
            row = await wait_for_end(self.db, self.hub, child_id, seconds=timeout)
            if row is None or row["status"] not in TERMINAL_STATUSES:
                row = await self._cancel(child_id)
        finally:
            parent.waiting_for.discard(child_id)
        return row

    async def _give_slot_away(self, parent: Active, child_id: str) -> None:
        """Count the parent as waiting, also in a later attempt that found its child at work."""

        async def effect(tx: Transaction) -> None:
            row = await store.get(tx, child_id)
            if row is not None and row["status"] not in TERMINAL_STATUSES:
                await store.wait_for_child(
                    tx, job_id=parent.row["id"], attempt=parent.row["attempt"]
                )

        await self.db.write(effect)
        self.announce(store.Changes())

    async def _cancel(self, child_id: str) -> Row:
        if self.hub.closing:
            await asyncio.Event().wait()  # shutting down: this task is cancelled with its run
        changes = await self.db.write(
            lambda tx: store.cancel(
                tx, job_id=child_id, by="its parent's timeout", now=self.clock()
            )
        )
        self.announce(changes)
        row = await self.db.read(lambda tx: store.get(tx, child_id))
        assert row is not None, "jobs are never deleted while their parent runs"
        return row


def _told(called: ChildCall, child_id: str, *, depth: int) -> dict[str, Any]:
    return {"label": called.target[:_MOST_LABEL], "depth": depth, "job_id": child_id}


def _new_job(row: Row, target: ChildTarget, inputs: dict[str, Any]) -> NewJob:
    own = target.skillpack.workspace_id == row["workspace_id"]
    return NewJob(
        id=new_id(),
        workspace_id=row["workspace_id"],
        skillpack_id=target.skillpack.id,
        skillpack=target.skillpack.slug,
        deployment_id=target.deployment.id,
        version=target.deployment.version,
        skill_name=target.skill["name"],
        type="function",
        key_id=row["key_id"],
        inputs=fill(target.skill, inputs),
        wide_reach=bool(row["wide_reach"]) and own,
        public_view=not own,
        source="subagent",
        parent_job_id=row["id"],
        root_job_id=row["root_job_id"],
        depth=row["depth"] + 1,
    )


def _as_job(row: Row) -> dict[str, Any]:
    """Return what a parent reads of its child: the result as stored, with plain drive paths."""
    return {
        "id": row["id"],
        "status": row["status"],
        "result": None if row["result"] is None else json.loads(row["result"]),
        "error": row["error"] if not row["public_view"] else row["public_error"],
        "error_code": row["error_code"],
        "skill_name": row["skill_name"],
        "cost_micros": row["cost_micros"],
        "outputs": [
            {key: output[key] for key in ("name", "drive_path", "mime", "size_bytes")}
            for output in json.loads(row["outputs"] or "[]")
        ],
    }
