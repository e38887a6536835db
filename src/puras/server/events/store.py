"""The log of a job: numbered entries that never change once committed.

The job row's `last_event_id` moves in the transaction that inserts the entries, and only for the
attempt that is running: a stale attempt's entry touches no row, and nothing follows the terminal
event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from puras.server.clock import Micros, iso
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load

QUERIES = load(__file__)
MAX_PAGE_BYTES = 32 * 1024 * 1024
"""What one answer may hold in memory, however many events were asked for."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An entry before it has a number. Payloads are JSON text; `public_payload` is None where
    publishable keys see the same. A step that is another job's `counts` for that one only."""

    ts: Micros
    type: str
    payload: str
    public_payload: str | None = None
    counts: bool = True


class StoredEvent(NamedTuple):
    """A committed entry: a row of the log. A tuple, for a log is read by the ten thousand."""

    job_id: str
    id: int
    ts: Micros
    type: str
    payload: str
    public_payload: str | None

    def encode(self, *, public: bool) -> bytes:
        """Return the event as one line of JSON, in the full view or in the public one."""
        hidden = public and self.public_payload is not None
        payload = self.public_payload if hidden else self.payload
        return (
            f'{{"id":{self.id},"job_id":"{self.job_id}","ts":"{iso(self.ts)}",'
            f'"type":{_quoted(self.type)},"payload":{payload}}}'
        ).encode()


def status_event(ts: Micros, status: str, **more: Any) -> NewEvent:
    """Make the entry that tells of a change of status; `None` values are left out."""
    told = {name: value for name, value in more.items() if value is not None}
    public_error = told.pop("public_error", None)
    payload = {"status": status, **told}
    if public_error is None or public_error == told.get("error"):
        return NewEvent(ts, "status", json.dumps(payload))
    return NewEvent(
        ts, "status", json.dumps(payload), json.dumps({**payload, "error": public_error})
    )


async def append(
    tx: Transaction, *, job_id: str, attempt: int, events: Sequence[NewEvent]
) -> list[StoredEvent]:
    """Add entries to a running attempt's log; an attempt that no longer runs gets an empty list."""
    return await append_all(tx, {(job_id, attempt): events})


async def append_all(
    tx: Transaction, events: Mapping[tuple[str, int], Sequence[NewEvent]]
) -> list[StoredEvent]:
    """Add entries to the logs of several attempts, (job id, number), as `append` does."""
    stored: list[StoredEvent] = []
    for job_id, attempt in sorted(events):  # in one order everywhere: the rows stay locked
        stored += await _numbered(
            tx, job_id=job_id, attempt=attempt, events=events[job_id, attempt]
        )
    await _insert(tx, stored)
    return stored


async def insert(
    tx: Transaction, *, job_id: str, last_id: int, events: Sequence[NewEvent]
) -> list[StoredEvent]:
    """Insert entries that end at `last_id`, which the caller has just moved the job to."""
    stored = _ending_at(last_id, job_id=job_id, events=events)
    await _insert(tx, stored)
    return stored


async def _numbered(
    tx: Transaction, *, job_id: str, attempt: int, events: Sequence[NewEvent]
) -> list[StoredEvent]:
    """Move the job to its next last entry, and number what is to be inserted."""
    row = await tx.one(
        QUERIES.advance,
        job_id=job_id,
        attempt=attempt,
        count=len(events),
        logs=sum(event.type == "log" for event in events),
        steps=sum(event.type == "step" and event.counts for event in events),
    )
    return [] if row is None else _ending_at(row["last_event_id"], job_id=job_id, events=events)


def _ending_at(last_id: int, *, job_id: str, events: Sequence[NewEvent]) -> list[StoredEvent]:
    first = last_id - len(events) + 1
    return [
        StoredEvent(job_id, first + offset, e.ts, e.type, e.payload, e.public_payload)
        for offset, e in enumerate(events)
    ]


async def _insert(tx: Transaction, stored: Sequence[StoredEvent]) -> None:
    await tx.run_many(QUERIES.insert, [event._asdict() for event in stored])


async def page(
    tx: Transaction, *, job_id: str, after: int, limit: int, most_bytes: int = MAX_PAGE_BYTES
) -> list[StoredEvent]:
    """Return at most `limit` entries with ids above `after`, oldest first.

    There are fewer where their payloads are over `most_bytes` together, but never none for it.
    """
    rows = await tx.all(
        QUERIES.page, job_id=job_id, after=after, limit=limit, most_bytes=most_bytes
    )
    return [_stored(row) for row in rows]


async def after_each(
    tx: Transaction, after: Mapping[str, int], *, limit: int, most_bytes: int = MAX_PAGE_BYTES // 32
) -> list[StoredEvent]:
    """Return the entries of several jobs above an id each, oldest first in each job: at most
    `limit` and `most_bytes` a job. PostgreSQL only."""
    if not after:
        return []
    rows = await tx.all(
        QUERIES.after_each,
        job_ids=list(after),
        after=list(after.values()),
        limit=limit,
        most_bytes=most_bytes,
    )
    return [_stored(row) for row in rows]


async def reached(tx: Transaction, job_ids: Sequence[str]) -> dict[str, int]:
    """Return the id of the last entry of each job. PostgreSQL only."""
    rows = await tx.all(QUERIES.reached, job_ids=list(job_ids))
    return {row["id"]: row["last_event_id"] for row in rows}


def _stored(row: Row) -> StoredEvent:
    return StoredEvent(
        row["job_id"], row["id"], row["ts"], row["type"], row["payload"], row["public_payload"]
    )


@lru_cache
def _quoted(type: str) -> str:
    """Write the name of a type as JSON; there are a few of them."""
    return json.dumps(type)
