"""Who runs jobs: each worker keeps a row as long as it renews its leases, and takes it away when it
stops. One that was killed counts for as long as its leases do."""

from __future__ import annotations

from puras.server.clock import Micros, iso
from puras.server.db.database import Transaction
from puras.server.db.queries import load
from puras.wire import Queue, Worker

QUERIES = load(__file__)


async def beat(tx: Transaction, *, worker_id: str, places: int, now: Micros) -> None:
    """Say that a worker is alive, and how many jobs it can run at once."""
    await tx.run(QUERIES.beat, id=worker_id, places=places, now=now)


async def leave(tx: Transaction, *, worker_id: str) -> None:
    await tx.run(QUERIES.leave, id=worker_id)


async def forget(tx: Transaction, *, before: Micros) -> None:
    """Forget workers that were not seen since."""
    await tx.run(QUERIES.forget, before=before)


async def alive(tx: Transaction, *, workspace_id: str, since: Micros) -> list[Worker]:
    """Return the workers seen after a moment, oldest first. Of other workspaces' jobs nothing is
    told."""
    rows = await tx.all(QUERIES.alive, workspace_id=workspace_id, since=since)
    return [
        {
            "id": row["id"],
            "places": row["places"],
            "running": row["running"],
            "started_at": iso(row["started_at"]),
            "seen_at": iso(row["seen_at"]),
        }
        for row in rows
    ]


async def queue(tx: Transaction, *, workspace_id: str, now: Micros) -> Queue:
    """Return what of a workspace waits."""
    row = await tx.one(QUERIES.queue, workspace_id=workspace_id)
    assert row is not None, "an aggregate gives one row"
    oldest = row["oldest"]
    return {
        "queued": row["queued"],
        "waiting_for_approval": row["parked"],
        "running": row["running"],
        "oldest_wait_ms": None if oldest is None else max(0, now - oldest) / 1000,
    }
