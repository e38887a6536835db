"""Forgets finished jobs that are older than the operator keeps them.

A root job goes with all below it: files, events, spans, recorded calls, feedback and holds first,
the rows last, so what a crash leaves half-way the next sweep finds and ends. Each transaction is
small, for jobs that run meanwhile wait for the same writer. The ledger and the budgets' sums stay.
"""

from __future__ import annotations

from puras.server.clock import DAY, Micros
from puras.server.db.database import Database, Row, Transaction
from puras.server.db.queries import load
from puras.server.drive.paths import job_folder
from puras.server.drive.store import Drive

QUERIES = load(__file__)
_ROOTS = 100
_EVENTS = 2_000
_FILES = 200


async def sweep(db: Database, drive: Drive, *, days: int, now: Micros) -> int:
    """Forget every tree of jobs that ended over `days` days ago; return how many."""
    before, forgotten = now - days * DAY, 0
    while roots := await db.read(lambda tx: tx.all(QUERIES.old_roots, before=before, limit=_ROOTS)):
        for root in roots:
            await _forget(db, drive, root)
        forgotten += len(roots)
    await db.write(lambda tx: tx.run(QUERIES.delete_suites, before=before))
    return forgotten


async def _forget(db: Database, drive: Drive, root: Row) -> None:
    tree = await db.read(lambda tx: tx.all(QUERIES.tree, root_job_id=root["id"]))
    for job in tree:
        await _delete_files(drive, root["workspace_id"], job["id"])
        await _delete_events(db, job)
        await db.write(lambda tx, job_id=job["id"]: _delete_rest(tx, job_id))  # type: ignore[misc]
    await db.write(lambda tx: tx.run(QUERIES.delete_tree, root_job_id=root["id"]))


async def _delete_files(drive: Drive, workspace_id: str, job_id: str) -> None:
    prefix = job_folder(job_id)
    while files := await drive.list(workspace_id, prefix=prefix, limit=_FILES):
        for file in files:
            await drive.delete(workspace_id, file.path)


async def _delete_events(db: Database, job: Row) -> None:
    """Delete in steps of ids, which have no gaps: a job may have tens of thousands."""
    for upto in range(_EVENTS, job["last_event_id"] + _EVENTS, _EVENTS):
        await db.write(
            lambda tx, upto=upto: tx.run(  # type: ignore[misc]
                QUERIES.delete_events, job_id=job["id"], upto=upto
            )
        )


async def _delete_rest(tx: Transaction, job_id: str) -> None:
    for query in (
        QUERIES.delete_spans,
        QUERIES.delete_recorded_calls,
        QUERIES.delete_approvals,
        QUERIES.delete_feedback,
        QUERIES.delete_holds,
    ):
        await tx.run(query, job_id=job_id)
