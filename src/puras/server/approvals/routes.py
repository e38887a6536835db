"""Reading what people are asked, and answering it."""

from __future__ import annotations

import json

from puras import wire
from puras.server.approvals import store
from puras.server.approvals.store import Decision
from puras.server.caller import Power
from puras.server.clock import iso, iso_or_none
from puras.server.db.database import Row, Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.jobs import store as jobs
from puras.server.jobs.store import Changes
from puras.server.refusals import Refused

routes = Routes("approvals")

_MOST_REASON = 2_000


@routes.get(
    "/v1/jobs/{job_id}/approvals",
    returns=list[wire.Approval],
    needs=Power.NARROW,
    codes=("job_not_found",),
)
async def list_approvals(call: Call) -> Reply:
    """List what a job, and the jobs below it, asked people to approve, oldest first."""
    job_id = call.path["job_id"].lower()

    async def find(tx: Transaction) -> list[Row]:
        if await jobs.visible(tx, job_id=job_id, caller=call.caller) is None:
            raise Refused("job_not_found", f"there is no job `{job_id}` that this key may see")
        return await store.of_line(tx, job_id)

    return Reply([_on_wire(row) for row in await call.platform.db.read(find)])


@routes.post(
    "/v1/approvals/{approval_id}",
    body=wire.ApprovalBody,
    returns=wire.Approval,
    needs=Power.NARROW,
    codes=("approval_not_found", "already_decided"),
)
async def decide(call: Call) -> Reply:
    """Approve a use of a tool, or deny it; its job goes on once nothing else is pending."""
    decision = read_decision(call.body, by=call.caller.key_id)

    async def settle(tx: Transaction) -> tuple[Row, Changes]:
        changes = Changes()
        approval_id, now = call.path["approval_id"].lower(), call.platform.clock()
        row = await store.visible(tx, approval_id=approval_id, caller=call.caller)
        if row is None:
            raise Refused(
                "approval_not_found",
                f"there is no approval `{approval_id}` that this key may decide: check its id",
            )
        settled = await store.decide(tx, row, decision, now=now, changes=changes)
        if settled is None:
            row = await store.visible(tx, approval_id=approval_id, caller=call.caller)
            assert row is not None, "approvals live as long as their job"
            raise _decided(row)
        return settled, changes

    row, changes = await call.platform.db.write(settle)
    call.platform.announce(changes)
    return Reply(_on_wire(row))


def read_decision(body: wire.ApprovalBody, *, by: str) -> Decision:
    """Read a decision; a blank reason counts as none.

    Raises:
        Refused: `invalid_request`.
    """
    reason = (body.get("reason") or "").strip() or None
    if reason is not None and len(reason) > _MOST_REASON:
        message = f"has at most {_MOST_REASON:,} characters: cut it"
        raise Refused(
            "invalid_request",
            f"`reason` {message}",
            errors=[{"path": "$.reason", "message": message}],
        )
    return Decision(body["decision"], reason, by)


def _decided(row: Row) -> Refused:
    status = row["status"]
    return Refused(
        "already_decided",
        f"this approval is {status} already, and stays so: follow the job `{row['job_id']}`",
    )


def _on_wire(row: Row) -> wire.Approval:
    return {
        "id": row["id"],
        "job_id": row["job_id"],
        "tool_call_id": row["tool_call_id"],
        "tool_name": row["tool_name"],
        "tool_input": json.loads(row["tool_input"]),
        "status": row["status"],
        "reason": row["reason"],
        "created_at": iso(row["created_at"]),
        "expires_at": iso(row["expires_at"]),
        "decided_at": iso_or_none(row["decided_at"]),
    }
