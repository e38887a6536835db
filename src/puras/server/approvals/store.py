"""What people were asked, and what they said.

The rows are born in the transaction that parks their job, and each is settled once. The last one
that is settled lets the job go on; a job that ends another way takes what is pending with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from puras.server.approvals.ask import Answers, Ask
from puras.server.caller import Caller
from puras.server.clock import Micros, iso, new_id
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.events.payloads import Payload, encode_payload
from puras.server.events.store import NewEvent
from puras.server.jobs import store as jobs
from puras.server.jobs.store import Changes

QUERIES = load(__file__)
_MOST_DUE = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an approval; `by` is the key that said it, None where nobody did."""

    status: Literal["approved", "denied", "expired"]
    reason: str | None = None
    by: str | None = None


async def park(
    tx: Transaction,
    row: Row,
    asks: Sequence[Ask],
    *,
    timeout: Micros,
    now: Micros,
    changes: Changes,
) -> bool:
    """Park a running job with what people are asked; False when the attempt was fenced off."""
    approvals = [_new(row, ask, now=now, expires_at=now + timeout) for ask in asks]
    parked = await jobs.park(
        tx,
        job_id=row["id"],
        attempt=row["attempt"],
        events=[
            _event(now, "approval_required", _asked(approval, ask))
            for approval, ask in zip(approvals, asks, strict=True)
        ],
        now=now,
        changes=changes,
    )
    if parked:
        await tx.run_many(QUERIES.insert, approvals)
    return parked


async def decide(
    tx: Transaction, approval: Row, decision: Decision, *, now: Micros, changes: Changes
) -> Row | None:
    """Settle a pending approval and return it; None, with nothing written, when it was before.

    The job's log tells of it, and the job goes on once nothing is pending.
    """
    job_id = approval["job_id"]
    await jobs.lock(tx, job_id)
    settled = await tx.one(
        QUERIES.settle,
        id=approval["id"],
        status=decision.status,
        reason=decision.reason,
        decided_by=decision.by,
        now=now,
    )
    if settled is None:
        return None
    told: Payload = {"approval_id": settled["id"], "status": decision.status}
    if decision.reason is not None:
        told["reason"] = decision.reason
    went_on = await jobs.tell_parked(
        tx,
        job_id=job_id,
        events=[_event(now, "approval_decided", told)],
        goes_on=await tx.one(QUERIES.pending, job_id=job_id) is None,
        changes=changes,
    )
    assert went_on, "only a parked job has pending approvals"
    return settled


async def due(tx: Transaction, *, now: Micros) -> list[Row]:
    """Return (id, job_id) of what nobody answered in time, a hundred at most."""
    return await tx.all(QUERIES.due, now=now, limit=_MOST_DUE)


async def decided(tx: Transaction, job_id: str) -> Answers:
    """Return what was settled in a job."""
    rows = await tx.all(QUERIES.decided, job_id=job_id)
    return {(row["step"], row["tool_call_id"]): (row["status"], row["reason"]) for row in rows}


async def visible(tx: Transaction, *, approval_id: str, caller: Caller) -> Row | None:
    """Return an approval that a key may answer: its workspace's, or of its own jobs if fenced."""
    return await tx.one(
        QUERIES.visible,
        id=approval_id,
        workspace_id=caller.workspace_id,
        key_id=caller.key_id if caller.sees_own_jobs_only else None,
    )


async def of_line(tx: Transaction, job_id: str) -> list[Row]:
    """Return the approvals of a job and of all jobs below it, oldest first."""
    return await tx.all(QUERIES.of_line, job_id=job_id)


def _new(row: Row, ask: Ask, *, now: Micros, expires_at: Micros) -> dict[str, object]:
    return {
        "id": new_id(),
        "job_id": row["id"],
        "workspace_id": row["workspace_id"],
        "tool_call_id": ask.tool_call_id,
        "step": ask.step,
        "tool_name": ask.tool_name,
        "tool_input": json.dumps(dict(ask.tool_input), ensure_ascii=True),
        "created_at": now,
        "expires_at": expires_at,
    }


def _asked(approval: Row, ask: Ask) -> Payload:
    return {
        "approval_id": approval["id"],
        "tool_call_id": ask.tool_call_id,
        "tool_name": ask.tool_name,
        "tool_input": dict(ask.tool_input),
        "expires_at": iso(approval["expires_at"]),
    }


def _event(now: Micros, type: str, payload: Payload) -> NewEvent:
    return NewEvent(now, type, encode_payload(payload))
