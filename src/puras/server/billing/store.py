"""A wallet: its ledger, what running jobs have taken of it, and what a key spent today.

A balance changes only together with a row of the ledger, and is checked against its sum. All
amounts are integer micros. What a key spent on a UTC day is what its jobs, and their children, held
or paid in holds (`billing/holds.py`) made on that day, whatever became of the jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

from puras.server.clock import Micros, new_id, seconds_to_midnight, utc_day
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import Query, load
from puras.server.refusals import Refused
from puras.wire import MICROS_PER_USD, CostLine, LedgerKind

QUERIES = load(__file__)
_NEWEST = "~"
"""Sorts behind every id."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One change of a wallet; debits are negative."""

    id: str
    kind: LedgerKind
    amount_micros: int
    job_id: str | None
    note: str | None
    created_at: Micros


def micros(usd: float) -> int:
    return round(usd * MICROS_PER_USD)


async def balance(tx: Transaction, workspace_id: str) -> int:
    """Return what the ledger sums up to; holds of unfinished jobs are not taken off."""
    row = await tx.one(QUERIES.balance, workspace_id=workspace_id)
    return 0 if row is None else int(row["balance_micros"])


async def tied_up(tx: Transaction, workspace_id: str) -> int:
    """Return what jobs that are not over have taken: open holds and settled costs."""
    return await sum_of(tx, QUERIES.tied_up, workspace_id=workspace_id)


async def spent_today(tx: Transaction, *, key_id: str, now: Micros) -> int:
    return await sum_of(tx, QUERIES.key_spent, key_id=key_id, day=utc_day(now))


async def workspace_spent_today(tx: Transaction, *, workspace_id: str, now: Micros) -> int:
    return await sum_of(tx, QUERIES.workspace_spent, workspace_id=workspace_id, day=utc_day(now))


async def check_daily_cap(
    tx: Transaction, *, key_id: str, daily_cap_micros: int | None, now: Micros
) -> None:
    """Let a submit pass only while the key has something left for today.

    Raises:
        Refused: `spend_cap_reached`, to be tried again after 00:00 UTC.
    """
    if daily_cap_micros is None:
        return
    if await spent_today(tx, key_id=key_id, now=now) >= daily_cap_micros:
        raise Refused(
            "spend_cap_reached",
            f"this API key's daily cap of ${daily_cap_micros / MICROS_PER_USD:g} is reached: "
            "wait until 00:00 UTC, or raise its `daily_cap_usd`",
            retry_after=seconds_to_midnight(now),
        )


async def check_credits(tx: Transaction, *, workspace_id: str) -> None:
    """Let a submit pass only while the wallet has something that no running job has taken.

    Raises:
        Refused: `insufficient_credits`.
    """
    if await sum_of(tx, QUERIES.free_credits, workspace_id=workspace_id) <= 0:
        raise Refused(
            "insufficient_credits",
            "this workspace has no credits left: let its operator add some with "
            "`puras admin credits add`",
        )


async def add_credits(
    tx: Transaction, *, workspace_id: str, micros: int, note: str | None = None, now: Micros
) -> int:
    """Add to a wallet and return the new balance. Raises ValueError unless `micros` is positive."""
    if micros <= 0:
        raise ValueError("credits are added in positive amounts")
    await post(
        tx, workspace_id=workspace_id, kind="credit", amount_micros=micros, note=note, now=now
    )
    return await balance(tx, workspace_id)


async def post(
    tx: Transaction,
    *,
    workspace_id: str,
    kind: LedgerKind,
    amount_micros: int,
    job_id: str | None = None,
    note: str | None = None,
    now: Micros,
) -> None:
    """Write a ledger row and move the balance by it: the only way that a balance changes."""
    await tx.run(QUERIES.move_balance, workspace_id=workspace_id, amount_micros=amount_micros)
    await tx.run(
        QUERIES.insert_ledger,
        id=new_id(),
        workspace_id=workspace_id,
        kind=kind,
        amount_micros=amount_micros,
        job_id=job_id,
        note=note,
        created_at=now,
    )


async def ledger(tx: Transaction, workspace_id: str) -> list[LedgerRow]:
    """Return every change of a wallet, oldest first."""
    rows = await tx.all(QUERIES.ledger, workspace_id=workspace_id)
    return [_ledger_row(row) for row in rows]


async def ledger_page(
    tx: Transaction, *, workspace_id: str, limit: int, before: str | None
) -> list[LedgerRow]:
    """Return changes of a wallet, newest first."""
    rows = await tx.all(
        QUERIES.ledger_page, workspace_id=workspace_id, limit=limit, before=before or _NEWEST
    )
    return [_ledger_row(row) for row in rows]


async def costs(tx: Transaction, *, job_id: str) -> list[CostLine]:
    """Return what a job's cost is made of, dearest first; the lines sum up to it."""
    return [
        {
            "kind": row["kind"],
            "label": row["label"],
            "calls": row["calls"],
            "cost_micros": int(row["cost_micros"]),
            "held_micros": int(row["held_micros"]),
        }
        for row in await tx.all(QUERIES.costs, job_id=job_id)
    ]


async def audit(tx: Transaction) -> list[str]:
    """Return a sentence for each thing that does not add up; none is what there should be."""
    holds = [
        f"job {row['job_id']} is over and still holds money, {row['count']} times"
        for row in await tx.all(QUERIES.audit_holds)
    ]
    return await unbalanced(tx) + holds


async def unbalanced(tx: Transaction) -> list[str]:
    """Return a sentence for each wallet whose balance is not the sum of its ledger."""
    return [
        f"workspace `{row['slug']}` has a balance of {row['balance_micros']} micros, "
        f"its ledger sums up to {row['ledger_micros']}"
        for row in await tx.all(QUERIES.audit_balances)
        if row["balance_micros"] != row["ledger_micros"]
    ]


def _ledger_row(row: Row) -> LedgerRow:
    return LedgerRow(
        id=row["id"],
        kind=row["kind"],
        amount_micros=row["amount_micros"],
        job_id=row["job_id"],
        note=row["note"],
        created_at=row["created_at"],
    )


async def sum_of(tx: Transaction, query: Query, **parameters: str | int) -> int:
    """Return the `micros` of a query that adds up."""
    row = await tx.one(query, **parameters)
    assert row is not None, "an aggregate gives one row"
    return int(row["micros"])
