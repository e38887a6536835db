"""Calls that a job has begun or done, kept so that no later attempt makes them again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from puras.server.db.database import Transaction
from puras.server.db.queries import load

QUERIES = load(__file__)


@dataclass(frozen=True, slots=True)
class CallKey:
    """What makes a recorded call the same one in the next attempt."""

    verb: str
    arguments: str
    occurrence: int


async def recall(tx: Transaction, *, job_id: str, call: CallKey) -> tuple[str, Any] | None:
    """Return (state, value) of a recorded call, or None where it was never begun."""
    row = await tx.one(
        QUERIES.recall,
        job_id=job_id,
        verb=call.verb,
        arguments=call.arguments,
        occurrence=call.occurrence,
    )
    if row is None:
        return None
    return row["state"], None if row["value"] is None else json.loads(row["value"])


async def record(
    tx: Transaction, *, job_id: str, attempt: int, call: CallKey, state: str, value: Any
) -> bool:
    """Keep a call as intended or done; False when the attempt was fenced off."""
    touched = await tx.run(
        QUERIES.record,
        job_id=job_id,
        attempt=attempt,
        verb=call.verb,
        arguments=call.arguments,
        occurrence=call.occurrence,
        state=state,
        value=json.dumps(value),
    )
    return touched > 0


async def forget(tx: Transaction, *, job_id: str, call: CallKey) -> None:
    """Forget a call that was begun and came to nothing, so that it may be made again."""
    await tx.run(
        QUERIES.forget_call,
        job_id=job_id,
        verb=call.verb,
        arguments=call.arguments,
        occurrence=call.occurrence,
    )


async def count_tokens(tx: Transaction, *, job_id: str, input: int, output: int) -> None:
    """Add what a model call read and wrote to what the job shows as its usage."""
    await tx.run(QUERIES.count_tokens, id=job_id, input=input, output=output)


async def count_done(tx: Transaction, *, job_id: str, verb: str) -> int:
    """Return how many recorded calls of a verb a job has done."""
    row = await tx.one(QUERIES.count_done, job_id=job_id, verb=verb)
    assert row is not None, "an aggregate gives one row"
    return int(row["count"])
