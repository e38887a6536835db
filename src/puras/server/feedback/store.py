"""What people think of a job's result: one rating per job and rater, the last one counts."""

from __future__ import annotations

from dataclasses import dataclass

from puras.server.clock import Micros
from puras.server.db.database import Transaction
from puras.server.db.queries import load

QUERIES = load(__file__)


@dataclass(frozen=True, slots=True)
class Feedback:
    """`rating` is -1, 0 or 1; 0 comes with a comment."""

    job_id: str
    rating: int
    comment: str | None
    end_user_id: str | None
    created_at: Micros
    updated_at: Micros


async def rate(
    tx: Transaction,
    *,
    job_id: str,
    key_id: str,
    end_user_id: str | None,
    rating: int,
    comment: str | None,
    now: Micros,
) -> Feedback:
    """Keep a rating, in the place of what the same end user, or else the same key, said before."""
    row = await tx.one(
        QUERIES.upsert,
        job_id=job_id,
        rater=f"key:{key_id}" if end_user_id is None else f"user:{end_user_id}",
        end_user_id=end_user_id,
        rating=rating,
        comment=comment,
        now=now,
    )
    assert row is not None, "an upsert returns its row"
    return Feedback(
        job_id=row["job_id"],
        rating=row["rating"],
        comment=row["comment"],
        end_user_id=row["end_user_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
