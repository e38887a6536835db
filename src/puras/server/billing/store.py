"""Money, authorised and then settled, like a card.

Before a paid call the run *holds* the call's upper bound, afterwards the hold is *settled* at the
real cost, and at the job's end all of its holds are *closed*: success writes one debit, anything
else is free to the wallet. A hold is had only while wallet, the key's daily cap, every enforced
budget and the limit of the run all cover it, decided and written in one transaction: so none of
them is ever overspent, however many runs go on at once.

All amounts are integer micros. What a key spent on a UTC day is what its jobs, and their children,
held or paid in holds made on that day, whatever became of the jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

from puras.server.budgets import store as budgets
from puras.server.budgets.store import Spender
from puras.server.clock import Micros, new_id, seconds_to_midnight, utc_day
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import Query, load
from puras.server.refusals import Refused
from puras.wire import MICROS_PER_USD, CostKind, CostLine, LedgerKind

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


@dataclass(frozen=True, slots=True)
class PaidFor:
    """What money goes to; `label` is a model's name, where there is one."""

    kind: CostKind
    label: str = ""


ANYTHING = PaidFor("other")


def micros(usd: float) -> int:
    return round(usd * MICROS_PER_USD)


async def balance(tx: Transaction, workspace_id: str) -> int:
    """Return what the ledger sums up to; holds of unfinished jobs are not taken off."""
    row = await tx.one(QUERIES.balance, workspace_id=workspace_id)
    return 0 if row is None else int(row["balance_micros"])


async def spent_today(tx: Transaction, *, key_id: str, now: Micros) -> int:
    return await _sum(tx, QUERIES.key_spent, key_id=key_id, day=utc_day(now))


async def workspace_spent_today(tx: Transaction, *, workspace_id: str, now: Micros) -> int:
    return await _sum(tx, QUERIES.workspace_spent, workspace_id=workspace_id, day=utc_day(now))


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
    if await balance(tx, workspace_id) - await _tied_up(tx, workspace_id) <= 0:
        raise Refused(
            "insufficient_credits",
            "this workspace has no credits left: let its operator add some with "
            "`puras admin credits add`",
        )


async def available(
    tx: Transaction, *, job_id: str, now: Micros, run_limit_micros: int | None
) -> int:
    """Return the most that a run may hold now: a call's own bound can be lowered to it."""
    payer = await tx.one(QUERIES.payer, job_id=job_id)
    return 0 if payer is None else await _room(tx, payer, now=now, run_limit=run_limit_micros)


async def hold(
    tx: Transaction,
    *,
    job_id: str,
    micros: int,
    now: Micros,
    run_limit_micros: int | None,
    paid_for: PaidFor = ANYTHING,
) -> str:
    """Set aside the upper bound of a call about to be made, and return the hold's id.

    The caller makes sure, in the same transaction, that the job is still this attempt's to spend
    on; a job that is over can't hold anything.
    `run_limit_micros` bounds a root job and all that it started, together.

    Raises:
        Refused: `cost_limit`: wallet, daily cap, a budget or the limit of the run does not cover
            it.
    """
    await tx.run(QUERIES.lock_wallet, job_id=job_id)
    payer = await tx.one(QUERIES.payer, job_id=job_id)
    room = 0 if payer is None else await _room(tx, payer, now=now, run_limit=run_limit_micros)
    if payer is None or micros > room:
        raise Refused(
            "cost_limit",
            f"the next call may cost up to ${micros / MICROS_PER_USD:g}, and wallet, daily cap, "
            f"budgets and run limit together leave ${max(room, 0) / MICROS_PER_USD:g}: add credits "
            "or raise the limit",
        )
    hold_id = new_id()
    await tx.run(
        QUERIES.insert_hold,
        id=hold_id,
        job_id=job_id,
        root_job_id=payer["root_job_id"],
        workspace_id=payer["workspace_id"],
        key_id=payer["key_id"],
        day=utc_day(now),
        held_micros=micros,
        kind=paid_for.kind,
        label=paid_for.label,
        created_at=now,
    )
    await budgets.count(tx, _spender(payer), day=utc_day(now), micros=micros)
    return hold_id


async def settle(tx: Transaction, *, hold_id: str, cost_micros: int, now: Micros) -> int:
    """Turn a hold into its real cost, at most what was held, and return what was counted.

    A hold that is not open any more, because the job is over, counts nothing: the cost of a job
    does not change after its end.
    """
    await tx.one(QUERIES.lock_payer, hold_id=hold_id)
    row = await tx.one(QUERIES.settle, hold_id=hold_id, cost_micros=cost_micros)
    if row is None:
        return 0
    await tx.run(QUERIES.add_job_cost, job_id=row["job_id"], cost_micros=row["cost_micros"])
    spender = await _spender_of(tx, row["root_job_id"])
    saved = row["held_micros"] - row["cost_micros"]
    await budgets.count(tx, spender, day=row["day"], micros=-saved)
    await budgets.alert(tx, spender, now=now)
    return int(row["cost_micros"])


async def close_job(tx: Transaction, *, job_id: str, succeeded: bool, now: Micros) -> int:
    """End a job's holds in the transaction that ends the job; return what the wallet paid.

    Open holds are released. Success writes one debit of all that was settled; a failed or
    cancelled job costs the wallet nothing. Closing a second time changes nothing.
    """
    settled = await tx.one(QUERIES.settled_cost, job_id=job_id)
    still_open = await tx.all(QUERIES.open_by_day, job_id=job_id)
    if settled is not None or still_open:
        await tx.run(QUERIES.lock_wallet, job_id=job_id)  # before the sums, as a hold does
    for row in still_open:
        spender = await _spender_of(tx, row["root_job_id"])
        await budgets.count(tx, spender, day=row["day"], micros=-row["micros"])
    await tx.run(QUERIES.close, job_id=job_id)
    if not succeeded or settled is None or not settled["micros"]:
        return 0
    cost = int(settled["micros"])
    await post(
        tx,
        workspace_id=settled["workspace_id"],
        kind="debit",
        amount_micros=-cost,
        job_id=job_id,
        now=now,
    )
    return cost


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
    balances = [
        f"workspace `{row['slug']}` has a balance of {row['balance_micros']} micros, "
        f"its ledger sums up to {row['ledger_micros']}"
        for row in await tx.all(QUERIES.audit_balances)
        if row["balance_micros"] != row["ledger_micros"]
    ]
    holds = [
        f"job {row['job_id']} is over and still holds money, {row['count']} times"
        for row in await tx.all(QUERIES.audit_holds)
    ]
    return balances + holds


async def _room(tx: Transaction, payer: Row, *, now: Micros, run_limit: int | None) -> int:
    """Return what wallet, daily cap, budgets and run limit all leave."""
    left = [payer["balance_micros"] - await _tied_up(tx, payer["workspace_id"])]
    if payer["daily_cap_micros"] is not None:
        spent = await spent_today(tx, key_id=payer["key_id"], now=now)
        left.append(payer["daily_cap_micros"] - spent)
    if run_limit is not None:
        spent = await _sum(tx, QUERIES.tree_spent, root_job_id=payer["root_job_id"])
        left.append(run_limit - spent)
    left += await budgets.room(tx, _spender(payer), now=now)
    return int(min(left))


def _ledger_row(row: Row) -> LedgerRow:
    return LedgerRow(
        id=row["id"],
        kind=row["kind"],
        amount_micros=row["amount_micros"],
        job_id=row["job_id"],
        note=row["note"],
        created_at=row["created_at"],
    )


def _spender(row: Row) -> Spender:
    return Spender(row["workspace_id"], row["skillpack_id"], row["skill_name"])


async def _spender_of(tx: Transaction, root_job_id: str) -> Spender:
    row = await tx.one(QUERIES.spender, root_job_id=root_job_id)
    assert row is not None, "a job is kept as long as it holds money"
    return _spender(row)


async def _tied_up(tx: Transaction, workspace_id: str) -> int:
    """Return what jobs that are not over have taken: open holds and settled costs."""
    return await _sum(tx, QUERIES.tied_up, workspace_id=workspace_id)


async def _sum(tx: Transaction, query: Query, **parameters: str | int) -> int:
    row = await tx.one(query, **parameters)
    assert row is not None, "an aggregate gives one row"
    return int(row["micros"])
