"""Forgets finished jobs that are older than the operator keeps them.

A root job goes with all below it: files, events, spans, recorded calls, feedback and holds first,
the rows last, so what a crash leaves half-way the next sweep finds and ends. Many small jobs share
a transaction, for each costs a write to the disk; none is large, and after each step as long again
belongs to others, for jobs that run meanwhile wait for the same writer. The ledger and the budgets'
sums stay.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Sequence

from puras.server.clock import DAY, Micros
from puras.server.db.database import Database, Row, Transaction
from puras.server.db.queries import load
from puras.server.drive.paths import job_folder
from puras.server.drive.store import Drive

QUERIES = load(__file__)
_ROOTS = 50
_EVENTS = 2_000
_FILES = 200


async def sweep(db: Database, drive: Drive, *, days: int, now: Micros) -> int:
    """Forget every tree of jobs that ended over `days` days ago; return how many."""
    before, forgotten = now - days * DAY, 0
    while roots := await db.read(lambda tx: tx.all(QUERIES.old_roots, before=before, limit=_ROOTS)):
        begun = time.monotonic()
        await _forget(db, drive, roots)
        forgotten += len(roots)
        await asyncio.sleep(time.monotonic() - begun)
    await db.write(lambda tx: tx.run(QUERIES.delete_suites, before=before))
    return forgotten


async def _forget(db: Database, drive: Drive, roots: Sequence[Row]) -> None:
    trees = _ids(roots)
    jobs = await db.read(lambda tx: tx.all(QUERIES.trees, roots=trees))
    for job in jobs:
        if job["has_files"]:
            await _delete_files(drive, job["workspace_id"], job["id"])
        await _shorten(db, job)
    for portion in map(_ids, _portions(jobs)):
        await db.write(lambda tx, portion=portion: _delete(tx, portion))  # type: ignore[misc]
    await db.write(lambda tx: tx.run(QUERIES.delete_trees, roots=trees))


async def _delete_files(drive: Drive, workspace_id: str, job_id: str) -> None:
    prefix = job_folder(job_id)
    while files := await drive.list(workspace_id, prefix=prefix, limit=_FILES):
        for file in files:
            await drive.delete(workspace_id, file.path)


async def _shorten(db: Database, job: Row) -> None:
    """Delete all but the end of a log. Its ids have no gaps, and it may have tens of thousands."""
    for upto in range(_EVENTS, job["last_event_id"], _EVENTS):
        await db.write(
            lambda tx, upto=upto: tx.run(  # type: ignore[misc]
                QUERIES.delete_events_upto, job_id=job["id"], upto=upto
            )
        )


def _portions(jobs: Iterable[Row]) -> Iterator[list[Row]]:
    """Split jobs whose logs were shortened: a portion has `_EVENTS` events at most."""
    portion: list[Row] = []
    size = 0
    for job in jobs:
        events = min(job["last_event_id"], _EVENTS)
        if portion and size + events > _EVENTS:
            yield portion
            portion, size = [], 0
        portion.append(job)
        size += events
    if portion:
        yield portion


async def _delete(tx: Transaction, jobs: str) -> None:
    for query in (
        QUERIES.delete_events,
        QUERIES.delete_spans,
        QUERIES.delete_recorded_calls,
        QUERIES.delete_approvals,
        QUERIES.delete_feedback,
        QUERIES.delete_holds,
    ):
        await tx.run(query, jobs=jobs)


def _ids(rows: Iterable[Row]) -> str:
    return json.dumps([row["id"] for row in rows])
