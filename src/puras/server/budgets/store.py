"""Budgets: limits on what a workspace, a skillpack or one skill spends in a window.

What counts is what jobs of the skill, and all that these started, have held or paid on the UTC days
of the window, whatever became of them. It is kept as one sum a day and skill (`spending`), moved in
the transaction that moves a hold; so an enforced budget is never overspent, a look costs little
however many jobs there were, and nothing is forgotten when old jobs are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import structlog

from puras.server.budgets import windows
from puras.server.clock import Micros, new_id
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.refusals import Refused
from puras.wire import MICROS_PER_USD, BudgetScope, BudgetWindow

QUERIES = load(__file__)
_log = structlog.get_logger("puras.budgets")


class Spender(NamedTuple):
    """On whose account a root job, and all that it starts, is spending."""

    workspace_id: str
    skillpack_id: str
    skill_name: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be changed of a budget. `alert_pct` is 1 to 100, None for no alert."""

    window: BudgetWindow
    limit_micros: int
    alert_pct: int | None = None
    enforce: bool = True
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Budget:
    """`skillpack` is its slug when the budget was made; None with the scope `workspace`."""

    id: str
    workspace_id: str
    scope: BudgetScope
    skillpack_id: str | None
    skillpack: str | None
    skill_name: str | None
    terms: Terms
    alerted_at: Micros | None
    created_at: Micros

    @property
    def title(self) -> str:
        """Name it in a sentence."""
        whose = "/".join(filter(None, (self.skillpack, self.skill_name))) or "workspace"
        limit = self.terms.limit_micros / MICROS_PER_USD
        return f"`{whose}` ({self.terms.window}, ${limit:g}, {self.id})"

    def alert_at(self, now: Micros) -> Micros | None:
        """Return when the present window gave its alert, if it did."""
        began = windows.start(self.terms.window, now) or 0
        return None if self.alerted_at is None or self.alerted_at < began else self.alerted_at


async def create(
    tx: Transaction,
    terms: Terms,
    *,
    workspace_id: str,
    skillpack: tuple[str, str] | None = None,
    skill_name: str | None = None,
    now: Micros,
) -> Budget:
    """Make a budget. `skillpack` is the (id, slug) of the one it is for; None: the workspace."""
    await stop_spending(tx, workspace_id=workspace_id)
    budget_id = new_id()
    skillpack_id, slug = skillpack or (None, None)
    await tx.run(
        QUERIES.insert,
        id=budget_id,
        workspace_id=workspace_id,
        scope="workspace" if skillpack is None else "skillpack",
        skillpack_id=skillpack_id,
        skillpack=slug,
        skill_name=skill_name,
        created_at=now,
        **_columns(terms),
    )
    return await get(tx, budget_id, workspace_id=workspace_id)


async def page(
    tx: Transaction, *, workspace_id: str, limit: int, before: str | None
) -> list[Budget]:
    """Return a workspace's budgets, newest first."""
    rows = await tx.all(QUERIES.page, workspace_id=workspace_id, limit=limit, before=before)
    return [_budget(row) for row in rows]


async def get(tx: Transaction, budget_id: str, *, workspace_id: str) -> Budget:
    """Return a budget of a workspace. Raises Refused (`budget_not_found`)."""
    row = await tx.one(QUERIES.get, workspace_id=workspace_id, id=budget_id.lower())
    if row is None:
        raise _not_found(budget_id)
    return _budget(row)


async def get_to_change(tx: Transaction, budget_id: str, *, workspace_id: str) -> Budget:
    """Return a budget that nobody else changes, or spends from, until the end of the transaction.

    As `get`.
    """
    await stop_spending(tx, workspace_id=workspace_id)
    row = await tx.one(QUERIES.get_to_change, workspace_id=workspace_id, id=budget_id.lower())
    if row is None:
        raise _not_found(budget_id)
    return _budget(row)


async def change(tx: Transaction, budget: Budget, terms: Terms) -> Budget:
    """Put other terms in the place of a budget's; other ones have given no alert yet."""
    kept = terms == budget.terms
    await tx.run(
        QUERIES.change,
        id=budget.id,
        alerted_at=budget.alerted_at if kept else None,
        **_columns(terms),
    )
    return await get(tx, budget.id, workspace_id=budget.workspace_id)


async def delete(tx: Transaction, budget_id: str, *, workspace_id: str) -> None:
    """Delete a budget. Raises Refused (`budget_not_found`)."""
    if await tx.run(QUERIES.delete, workspace_id=workspace_id, id=budget_id.lower()) == 0:
        raise _not_found(budget_id)


async def stop_spending(tx: Transaction, *, workspace_id: str) -> None:
    """Let nothing be held in a workspace until the end of the transaction.

    Who changes a limit waits for those that are being granted something under the old one, so the
    new one holds from the commit on.
    """
    await tx.run(QUERIES.lock_wallet, workspace_id=workspace_id)


async def spent(tx: Transaction, budget: Budget, *, now: Micros) -> int:
    """Return what counts against a budget in the present window."""
    row = await tx.one(
        QUERIES.spent,
        workspace_id=budget.workspace_id,
        first_day=windows.first_day(budget.terms.window, now),
        skillpack_id=budget.skillpack_id,
        skill_name=budget.skill_name,
    )
    assert row is not None, "an aggregate gives one row"
    return int(row["micros"])


async def check(tx: Transaction, spender: Spender, *, now: Micros) -> None:
    """Let a submit pass only while every enforced budget has something left.

    Raises:
        Refused: `budget_exhausted`, naming the first that has not.
    """
    for budget in await _that_count(tx, spender):
        if budget.terms.enforce and await _left(tx, budget, now=now) <= 0:
            raise Refused(
                "budget_exhausted",
                f"the budget {budget.title} is used up: raise its limit, or wait for its next "
                "window",
            )


async def room(tx: Transaction, spender: Spender, *, now: Micros) -> list[int]:
    """Return what each enforced budget has left."""
    budgets = await _that_count(tx, spender)
    return [await _left(tx, budget, now=now) for budget in budgets if budget.terms.enforce]


async def count(tx: Transaction, spender: Spender, *, day: int, micros: int) -> None:
    """Count what was held on a day; less than nothing takes off what was not needed after all."""
    query = QUERIES.add_spending if micros >= 0 else QUERIES.take_off_spending
    await tx.run(query, **spender._asdict(), day=day, micros=abs(micros))


async def alert(tx: Transaction, spender: Spender, *, now: Micros) -> None:
    """Note, and tell the operator's log, which budgets crossed their `alert_pct` in this window."""
    for budget in await _that_count(tx, spender):
        pct = budget.terms.alert_pct
        if pct is None or budget.alert_at(now) is not None:
            continue
        micros = await spent(tx, budget, now=now)
        if micros * 100 < budget.terms.limit_micros * pct:
            continue
        began = windows.start(budget.terms.window, now) or 0
        if await tx.run(QUERIES.alert, id=budget.id, now=now, began=began):
            _log.warning(
                "budget_alert",
                budget_id=budget.id,
                workspace_id=budget.workspace_id,
                alert_pct=pct,
                spent_micros=micros,
                limit_micros=budget.terms.limit_micros,
            )


async def _that_count(tx: Transaction, spender: Spender) -> list[Budget]:
    return [_budget(row) for row in await tx.all(QUERIES.that_count, **spender._asdict())]


async def _left(tx: Transaction, budget: Budget, *, now: Micros) -> int:
    return budget.terms.limit_micros - await spent(tx, budget, now=now)


def _not_found(budget_id: str) -> Refused:
    return Refused(
        "budget_not_found", f"there is no budget `{budget_id}` in this workspace: list its budgets"
    )


def _columns(terms: Terms) -> dict[str, object]:
    return {
        "time_window": terms.window,
        "limit_micros": terms.limit_micros,
        "alert_pct": terms.alert_pct,
        "enforce": int(terms.enforce),
        "enabled": int(terms.enabled),
    }


def _budget(row: Row) -> Budget:
    return Budget(
        id=row["id"],
        workspace_id=row["workspace_id"],
        scope=row["scope"],
        skillpack_id=row["skillpack_id"],
        skillpack=row["skillpack"],
        skill_name=row["skill_name"],
        terms=Terms(
            window=row["time_window"],
            limit_micros=row["limit_micros"],
            alert_pct=row["alert_pct"],
            enforce=bool(row["enforce"]),
            enabled=bool(row["enabled"]),
        ),
        alerted_at=row["alerted_at"],
        created_at=row["created_at"],
    )
