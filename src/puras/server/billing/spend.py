"""What a workspace spent lately, added up by skill, by day or by key.

By skill and by day it is the sums that budgets count with, which outlive the jobs; by key it is the
holds themselves, which go with jobs that are deleted. Either way calls that are open count in full,
and what children spent counts for the job at the top.
"""

from __future__ import annotations

from puras.server.billing.store import QUERIES
from puras.server.clock import DAY, Micros, iso, utc_day
from puras.server.db.database import Transaction
from puras.wire import Spend, SpendBy, SpendLine

_NO_KEY = "no key"


async def spend(
    tx: Transaction, *, workspace_id: str, by: SpendBy, days: int, now: Micros
) -> Spend:
    """Add up the last `days` UTC days, today included."""
    first = utc_day(now) - days + 1
    if by == "day":
        lines = await _by_day(tx, workspace_id, first=first, days=days)
    elif by == "skill":
        lines = await _by_skill(tx, workspace_id, first=first)
    else:
        lines = await _by_key(tx, workspace_id, first=first)
    total = sum(line["micros"] for line in lines)
    return {"by": by, "days": days, "since": _date(first), "total_micros": total, "lines": lines}


async def _by_day(tx: Transaction, workspace_id: str, *, first: int, days: int) -> list[SpendLine]:
    """Return every day, oldest first, those without spending too."""
    rows = await tx.all(QUERIES.spent_by_day, workspace_id=workspace_id, first_day=first)
    spent = {row["day"]: int(row["micros"]) for row in rows}
    return [
        {"id": None, "name": _date(day), "micros": spent.get(day, 0)}
        for day in range(first, first + days)
    ]


async def _by_skill(tx: Transaction, workspace_id: str, *, first: int) -> list[SpendLine]:
    rows = await tx.all(QUERIES.spent_by_skill, workspace_id=workspace_id, first_day=first)
    return [
        {
            "id": row["skillpack_id"],
            "name": _path(row["slug"], row["skill_name"]),
            "micros": int(row["micros"]),
        }
        for row in rows
    ]


async def _by_key(tx: Transaction, workspace_id: str, *, first: int) -> list[SpendLine]:
    rows = await tx.all(QUERIES.spent_by_key, workspace_id=workspace_id, first_day=first)
    return [
        {"id": row["key_id"], "name": row["name"] or _NO_KEY, "micros": int(row["micros"])}
        for row in rows
    ]


def _path(slug: str | None, skill: str) -> str:
    """Write a skill as it is called; what belongs to no skillpack of anybody's is just its name."""
    return skill if slug is None or slug.startswith("@") else f"{slug}/{skill}"


def _date(day: int) -> str:
    return iso(day * DAY)[:10]
