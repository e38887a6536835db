"""Leases: which worker has which running job, until when, and what becomes of those it loses.

A worker renews all of its leases in one statement. What it no longer renews is taken from it: the
job is queued again, or failed where that happened too often.
"""

from __future__ import annotations

from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.jobs import store
from puras.server.jobs.states import LEASE, MOST_LOSSES, lost_ending
from puras.server.jobs.store import QUERIES, Changes


async def renew(tx: Transaction, *, worker_id: str, now: Micros) -> dict[tuple[str, int], Row]:
    """Renew every lease of a worker; return what is still its own, by (job id, attempt)."""
    rows = await tx.all(QUERIES.renew, worker_id=worker_id, lease=LEASE, now=now)
    return {(row["id"], row["attempt"]): row for row in rows}


async def held(tx: Transaction, *, worker_id: str) -> set[tuple[str, int]]:
    """Return the attempts that are a worker's own, as (job id, attempt)."""
    rows = await tx.all(QUERIES.held, worker_id=worker_id)
    return {(row["id"], row["attempt"]) for row in rows}


async def clock(tx: Transaction, *, now: Micros) -> Micros:
    """Return the moment by the clock that leases go by: where processes share the data it is the
    database's, for one whose own clock is wrong must not take away what the others run."""
    row = await tx.one(QUERIES.lease_clock, now=now)
    assert row is not None, "a clock always shows something"
    return int(row["now"])


async def recover(tx: Transaction, *, worker_id: str, now: Micros, every: bool = False) -> Changes:
    """Requeue the jobs of workers that are gone, except those of `lost_for_good`.

    `every` takes each job that another worker has, whatever its lease: right at the start of a
    server that holds the only lock on its data.
    """
    changes = Changes()
    rows = await tx.all(
        QUERIES.abandoned,
        now=now,
        lease=LEASE,
        every=every,
        worker_id=worker_id,
        last=MOST_LOSSES - 1,
    )
    for row in rows:
        await lose(tx, row, now=now, changes=changes)
    return changes


async def lost_for_good(
    tx: Transaction, *, worker_id: str, now: Micros, every: bool = False
) -> list[Row]:
    """Return the jobs of workers that are gone which were lost too often to be queued again.

    Each is to be lost in a unit of its own: its end locks what is above and below it, which no
    unit may do that has locked other jobs before.
    """
    return await tx.all(
        QUERIES.lost_for_good,
        now=now,
        lease=LEASE,
        every=every,
        worker_id=worker_id,
        last=MOST_LOSSES - 1,
    )


async def lose(tx: Transaction, row: Row, *, now: Micros, changes: Changes) -> None:
    """Count one loss against a running job: queued again, or failed after the last one."""
    losses = row["lost"] + 1
    if losses >= MOST_LOSSES:
        ending = lost_ending(losses)
        await store.end(
            tx, job_id=row["id"], attempt=row["attempt"], ending=ending, now=now, changes=changes
        )
        return
    await store.hand_back(
        tx, job_id=row["id"], attempt=row["attempt"], now=now, changes=changes, losses=1
    )
