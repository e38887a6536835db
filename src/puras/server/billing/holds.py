"""Holds: money set aside for a call, settled at its real cost, closed with its job.

Before a paid call the run *holds* the call's upper bound, afterwards the hold is *settled* at the
real cost, and at the job's end all of its holds are *closed*: success writes one debit, anything
else is free to the wallet. A hold is had only while wallet, the key's daily cap, every enforced
budget and the limit of the run all cover it, decided and written in one transaction: so none of
them is ever overspent, however many runs go on at once.

Where transactions run side by side, each takes its locks in one order: its jobs, the wallet, then
the sums of days. Everything that is granted is granted under the wallet's lock, so two grants never
see the same money; what only gives money back (`settle`) does not need it.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from puras.server.billing.store import QUERIES, balance, post, spent_today, sum_of, tied_up
from puras.server.budgets import store as budgets
from puras.server.budgets.store import Spender
from puras.server.clock import Micros, new_id, utc_day
from puras.server.db.database import Row, Transaction
from puras.server.metrics.instruments import HELD, SETTLED
from puras.server.refusals import Refused
from puras.wire import MICROS_PER_USD, CostKind

_log = structlog.get_logger("puras.billing")


@dataclass(frozen=True, slots=True)
class PaidFor:
    """What money goes to; `label` is a model's name, where there is one."""

    kind: CostKind
    label: str = ""


ANYTHING = PaidFor("other")


@dataclass(frozen=True, slots=True)
class Hold:
    """Money that is set aside; `micros` is how much of what was wished for."""

    id: str
    micros: int


async def hold(
    tx: Transaction,
    *,
    job_id: str,
    micros: int,
    now: Micros,
    run_limit_micros: int | None,
    least_micros: int | None = None,
    paid_for: PaidFor = ANYTHING,
) -> Hold:
    """Set aside the upper bound of a call about to be made.

    Where less is left than `micros`, what is left is held, if that is `least_micros` at the least;
    without `least_micros` it is all or nothing. The caller makes sure, in the same transaction,
    that the job is still this attempt's to spend on; a job that is over can't hold anything.
    `run_limit_micros` bounds a root job and all that it started, together.

    Raises:
        Refused: `cost_limit`: wallet, daily cap, a budget or the limit of the run does not cover
            it.
    """
    await lock_wallet(tx, job_id=job_id)
    payer = await tx.one(QUERIES.payer, job_id=job_id)
    room = 0 if payer is None else await _room(tx, payer, now=now, run_limit=run_limit_micros)
    if least_micros is not None:
        micros = min(micros, max(room, least_micros))
    if payer is None or micros > room:
        raise Refused(
            "cost_limit",
            f"the next call may cost up to ${micros / MICROS_PER_USD:g}, and wallet, daily cap, "
            f"budgets and run limit together leave ${max(room, 0) / MICROS_PER_USD:g}: add credits "
            "or raise the limit",
        )
    held = Hold(new_id(), micros)
    await tx.run(
        QUERIES.insert_hold,
        id=held.id,
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
    HELD.labels(paid_for.kind).inc(micros)
    return held


async def lock_wallet(tx: Transaction, *, job_id: str) -> None:
    """Let nothing else be granted from the wallet that pays for a job until the transaction is
    over. The job is locked before, sums of days after."""
    await tx.run(QUERIES.lock_wallet, job_id=job_id)


async def settle(tx: Transaction, *, hold_id: str, cost_micros: int, now: Micros) -> int:
    """Turn a hold into its real cost, at most what was held, and return what was counted.

    What a call cost above its hold is the operator's: nobody agreed to pay it, and a limit that
    gave way would be none. The log tells of it, for then a price or a bound is wrong.
    A hold that is not open any more, because the job is over, counts nothing: the cost of a job
    does not change after its end.
    """
    await tx.one(QUERIES.lock_payer, hold_id=hold_id)
    row = await tx.one(QUERIES.settle, hold_id=hold_id, cost_micros=cost_micros)
    if row is None:
        return 0
    if cost_micros > row["held_micros"]:
        _tell_of_cost_above(row, cost_micros)
    await tx.run(QUERIES.add_job_cost, job_id=row["job_id"], cost_micros=row["cost_micros"])
    spender = await _spender_of(tx, row["root_job_id"])
    saved = row["held_micros"] - row["cost_micros"]
    await budgets.count(tx, spender, day=row["day"], micros=-saved)
    await budgets.alert(tx, spender, now=now)
    SETTLED.inc(row["cost_micros"])
    return int(row["cost_micros"])


async def close_job(tx: Transaction, *, job_id: str, succeeded: bool, now: Micros) -> int:
    """End a job's holds in the transaction that ends the job; return what the wallet paid.

    Open holds are released. Success writes one debit of all that was settled; a failed or
    cancelled job costs the wallet nothing. Closing a second time changes nothing.
    """
    settled = await tx.one(QUERIES.settled_cost, job_id=job_id)
    still_open = await tx.all(QUERIES.open_by_day, job_id=job_id)
    if settled is not None or still_open:
        await lock_wallet(tx, job_id=job_id)  # before the sums, as a hold does
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


async def _room(tx: Transaction, payer: Row, *, now: Micros, run_limit: int | None) -> int:
    """Return what wallet, daily cap, budgets and run limit all leave."""
    workspace_id = payer["workspace_id"]
    left = [await balance(tx, workspace_id) - await tied_up(tx, workspace_id)]
    if payer["daily_cap_micros"] is not None:
        spent = await spent_today(tx, key_id=payer["key_id"], now=now)
        left.append(payer["daily_cap_micros"] - spent)
    if run_limit is not None:
        spent = await sum_of(tx, QUERIES.tree_spent, root_job_id=payer["root_job_id"])
        left.append(run_limit - spent)
    left += await budgets.room(tx, _spender(payer), now=now)
    return int(min(left))


def _tell_of_cost_above(row: Row, cost_micros: int) -> None:
    _log.warning(
        "cost_above_hold",
        job_id=row["job_id"],
        kind=row["kind"],
        label=row["label"],
        held_micros=row["held_micros"],
        cost_micros=cost_micros,
    )


def _spender(row: Row) -> Spender:
    return Spender(row["workspace_id"], row["skillpack_id"], row["skill_name"])


async def _spender_of(tx: Transaction, root_job_id: str) -> Spender:
    row = await tx.one(QUERIES.spender, root_job_id=root_job_id)
    assert row is not None, "a job is kept as long as it holds money"
    return _spender(row)
