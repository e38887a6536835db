"""The jobs table, which is the truth: every change of a job's status is one function here.

The attempt number is the fencing token. Whatever a run writes is conditional on
`attempt = ? AND status = 'running'`, in the same statement that moves `last_event_id`; a worker
that lost its job writes nothing, and nothing follows the terminal event.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from puras.server.billing import holds
from puras.server.caller import Caller
from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.events.store import NewEvent, StoredEvent, insert, status_event
from puras.server.jobs.states import Ending, NewJob, cancelled_ending

QUERIES = load(__file__)
_WITH_PARENT = cancelled_ending("the end of its parent job")


class DeploymentGone(Exception):
    """The deployment was deleted between the checks and the insert."""


@dataclass(slots=True)
class Changes:
    """What a transaction did, for those who act after its commit."""

    events: list[StoredEvent] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


async def enqueue(tx: Transaction, job: NewJob, *, now: Micros) -> StoredEvent:
    """Insert a queued job and its first event. Raises DeploymentGone."""
    inserted = await tx.run(
        QUERIES.insert,
        id=job.id,
        workspace_id=job.workspace_id,
        skillpack_id=job.skillpack_id,
        skillpack=job.skillpack,
        deployment_id=job.deployment_id,
        skill_name=job.skill_name,
        type=job.type,
        key_id=job.key_id,
        parent_job_id=job.parent_job_id,
        root_job_id=job.root_job_id or job.id,
        depth=job.depth,
        wide_reach=int(job.wide_reach),
        public_view=int(job.public_view),
        source=job.source,
        inputs=json.dumps(job.inputs, ensure_ascii=False),
        prompt=job.prompt,
        lane=job.lane,
        skill_concurrency=job.skill_concurrency,
        traceparent=job.traceparent,
        created_at=now,
    )
    if inserted == 0:
        raise DeploymentGone(job.deployment_id)
    first = await insert(tx, job_id=job.id, last_id=1, events=[status_event(now, "queued")])
    return first[0]


async def get(tx: Transaction, job_id: str) -> Row | None:
    return await tx.one(QUERIES.get, id=job_id)


async def is_running(tx: Transaction, *, job_id: str, attempt: int) -> bool:
    """Tell whether an attempt is still the one that runs: it alone may write and spend.

    It stays so until the transaction, which must be one that writes, is over.
    """
    return await tx.one(QUERIES.running_attempt, id=job_id, attempt=attempt) is not None


async def takes_turn(tx: Transaction, *, job_id: str, attempt: int) -> bool:
    """Tell whether an attempt still runs, and let no other transaction change its job until this
    one is over: for units that read the job, spend for it, and then change it."""
    return await tx.one(QUERIES.locked_attempt, id=job_id, attempt=attempt) is not None


async def lock(tx: Transaction, job_id: str) -> None:
    """Keep a job, and the one above it, from changing until the transaction is over."""
    await tx.all(QUERIES.lock_line, id=job_id)


async def visible(tx: Transaction, *, job_id: str, caller: Caller) -> Row | None:
    """Return a job that a key may see: its workspace's, or only its own root jobs if fenced."""
    if caller.sees_own_jobs_only:
        return await tx.one(
            QUERIES.own_root,
            id=job_id,
            workspace_id=caller.workspace_id,
            key_id=caller.key_id,
        )
    return await tx.one(QUERIES.in_workspace, id=job_id, workspace_id=caller.workspace_id)


async def list_visible(
    tx: Transaction,
    caller: Caller,
    *,
    status: str | None = None,
    skillpack_id: str | None = None,
    skill: str | None = None,
    before: str | None = None,
    limit: int,
) -> list[Row]:
    """Return jobs newest first, as far as the key sees them."""
    return await tx.all(
        QUERIES.list,
        workspace_id=caller.workspace_id,
        key_id=caller.key_id if caller.sees_own_jobs_only else None,
        status=status,
        skillpack_id=skillpack_id,
        skill=skill,
        before=before,
        limit=limit,
    )


async def hand_back(
    tx: Transaction, *, job_id: str, attempt: int, now: Micros, changes: Changes, losses: int = 0
) -> bool:
    """Queue a running job again, for its next attempt; False when the attempt was fenced off."""
    row = await tx.one(QUERIES.requeue, id=job_id, attempt=attempt, losses=losses)
    if row is None:
        return False
    event = status_event(now, "queued", attempt=attempt)
    changes.events += await insert(tx, job_id=job_id, last_id=row["last_event_id"], events=[event])
    return True


async def park(
    tx: Transaction,
    *,
    job_id: str,
    attempt: int,
    events: Sequence[NewEvent],
    now: Micros,
    changes: Changes,
) -> bool:
    """Queue a running job that no worker may claim until `tell_parked` lets it go on.

    `events` come before the one of its status. False when the attempt was fenced off.
    """
    told = [*events, status_event(now, "queued", attempt=attempt)]
    row = await tx.one(QUERIES.park, id=job_id, attempt=attempt, count=len(told))
    if row is None:
        return False
    changes.events += await insert(tx, job_id=job_id, last_id=row["last_event_id"], events=told)
    return True


async def tell_parked(
    tx: Transaction,
    *,
    job_id: str,
    events: Sequence[NewEvent],
    goes_on: bool,
    changes: Changes,
) -> bool:
    """Add to the log of a parked job, which no attempt writes; `goes_on` makes it claimable.

    False, with nothing written, when the job is not parked any more.
    """
    row = await tx.one(
        QUERIES.tell_parked, id=job_id, count=len(events), parked=0 if goes_on else 1
    )
    if row is None:
        return False
    changes.events += await insert(tx, job_id=job_id, last_id=row["last_event_id"], events=events)
    return True


async def end(
    tx: Transaction,
    *,
    job_id: str,
    attempt: int | None,
    ending: Ending,
    now: Micros,
    changes: Changes,
) -> bool:
    """Bring a job to its terminal status, with its last event, its bill and its children.

    `attempt` None ends it whatever it is doing (a cancel). Returns False, with nothing written,
    when the job is over already or another attempt has it.
    """
    top = {job_id: attempt}
    return bool(await _end_all(tx, top, ending=ending, now=now, changes=changes))


async def cancel(tx: Transaction, *, job_id: str, by: str, now: Micros) -> Changes:
    """Cancel a job and its children at once; one that is over stays as it is."""
    return await cancel_all(tx, [job_id], by=by, now=now)


async def cancel_all(tx: Transaction, job_ids: Sequence[str], *, by: str, now: Micros) -> Changes:
    """Cancel several jobs and their children at once; those that are over stay as they are."""
    changes = Changes()
    top = dict.fromkeys(job_ids)
    await _end_all(tx, top, ending=cancelled_ending(by), now=now, changes=changes)
    return changes


async def _end_all(
    tx: Transaction,
    top: Mapping[str, int | None],
    *,
    ending: Ending,
    now: Micros,
    changes: Changes,
) -> list[Row]:
    """End jobs, given with their attempts, and cancel what is below them; return what ended.

    All jobs come first, in the order of their ids, and then the money: who holds money has locked
    its job before the wallet, so none of the two waits for the other in a circle.
    """
    ended: list[Row] = []
    left = sorted(top)
    while left:
        job_id = heapq.heappop(left)
        row = await _end_one(
            tx,
            job_id,
            attempt=top.get(job_id),
            ending=ending if job_id in top else _WITH_PARENT,
            now=now,
            changes=changes,
        )
        if row is not None:
            ended.append(row)
            if row["has_children"]:
                for child in await tx.all(QUERIES.unfinished_children, id=job_id):
                    heapq.heappush(left, child["id"])
    for row in (row for row in ended if row["has_holds"]):
        succeeded = row["status"] == "succeeded"
        await holds.close_job(tx, job_id=row["id"], succeeded=succeeded, now=now)
    return ended


async def _end_one(
    tx: Transaction,
    job_id: str,
    *,
    attempt: int | None,
    ending: Ending,
    now: Micros,
    changes: Changes,
) -> Row | None:
    """End a job, with its last event, and let those go on that waited for it; None: it was over,
    or is not this attempt's."""
    await lock(tx, job_id)
    row = await tx.one(
        QUERIES.finish,
        id=job_id,
        attempt=attempt,
        status=ending.status,
        result=ending.result,
        outputs=ending.outputs,
        error=ending.error,
        public_error=ending.public_error,
        error_code=ending.error_code,
        eval_score=ending.eval_score,
        eval_results=ending.eval_results,
        now=now,
    )
    if row is None:
        return None
    event = status_event(
        now,
        ending.status,
        error=ending.error,
        error_code=ending.error_code,
        public_error=ending.public_error,
    )
    changes.events += await insert(tx, job_id=job_id, last_id=row["last_event_id"], events=[event])
    changes.ended.append(job_id)
    if attempt is None:  # it may have been parked
        await tx.run(QUERIES.expire_approvals, job_id=job_id, now=now)
    if row["parent_job_id"] is not None:
        await tx.run(QUERIES.resume_parent, parent_job_id=row["parent_job_id"])
    if row["suite_id"] is not None:
        await tx.run(QUERIES.let_next_of_suite, suite_id=row["suite_id"])
    return row


async def wait_for_child(tx: Transaction, *, job_id: str, attempt: int) -> bool:
    """Give a running job's slot to its child; False when the attempt was fenced off."""
    return await tx.one(QUERIES.wait_for_child, id=job_id, attempt=attempt) is not None


async def ancestors(tx: Transaction, job_id: str) -> set[tuple[str, str]]:
    """Return (skillpack id, skill name) of a job and of all jobs above it."""
    rows = await tx.all(QUERIES.ancestors, id=job_id)
    return {(row["skillpack_id"], row["skill_name"]) for row in rows}


async def mark_draft(tx: Transaction, *, job_id: str, attempt: int) -> None:
    """Have a job say, for good, that an offline draft stood in for its model."""
    await tx.run(QUERIES.mark_draft, id=job_id, attempt=attempt)
