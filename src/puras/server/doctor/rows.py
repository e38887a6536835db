"""What must hold between rows, whatever was killed when: each rule, what breaks it, what to do.

A transaction keeps each of these, so a broken one is a fault of ours, of a disk or of somebody who
wrote rows by hand; only runs whose worker is gone are everyday. What can be put right without
guessing has a `mend`, which does what the server itself would have done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from puras.server.billing import holds
from puras.server.clock import SECOND, Micros, now
from puras.server.db.database import Database, Row, Transaction
from puras.server.db.queries import Query, load
from puras.server.doctor.check import Check
from puras.server.jobs import leases
from puras.server.jobs import store as jobs

QUERIES: Final = load(__file__)
_LATE: Final = 60 * SECOND
"""A worker that lives renews its leases, and others take what ran out, well within that."""
_SHOWN: Final = 3

Mend: TypeAlias = Callable[[Transaction, str], Awaitable[object]]
"""Puts one job right."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`query` finds the jobs that break it; `means` says what that is, `todo` what to do."""

    name: str
    query: Query
    means: str
    todo: str
    mend: Mend | None = None


async def examine_rows(db: Database) -> list[Check]:
    """Look for jobs that break a rule, all at one moment."""

    async def look(tx: Transaction) -> list[Check]:
        return [_told(rule, await _broken(tx, rule)) for rule in RULES]

    return await db.read(look)


async def mend_rows(db: Database) -> list[str]:
    """Put right what can be; return a sentence for each rule that was broken."""
    return [told for rule in RULES if (told := await db.write(lambda tx, r=rule: _mend(tx, r)))]  # type: ignore[misc]


async def _mend(tx: Transaction, rule: Rule) -> str | None:
    broken = [] if rule.mend is None else await _broken(tx, rule)
    for job in broken:
        assert rule.mend is not None
        await rule.mend(tx, job["id"])
    return f"{rule.name}: {len(broken)} {_jobs(broken)}" if broken else None


async def _broken(tx: Transaction, rule: Rule) -> list[Row]:
    moment = await leases.clock(tx, now=now())
    return await tx.all(rule.query, now=moment - _LATE)


def _told(rule: Rule, broken: list[Row]) -> Check:
    if not broken:
        return Check(rule.name, "ok", "as it must be")
    shown = ", ".join(job["id"] for job in broken[:_SHOWN])
    more = " …" if len(broken) > _SHOWN else ""
    detail = f"{len(broken)} {_jobs(broken)} {rule.means} ({shown}{more}): {rule.todo}"
    return Check(rule.name, "fail", detail, mendable=rule.mend is not None)


def _jobs(found: list[Row]) -> str:
    return "job" if len(found) == 1 else "jobs"


async def _requeue(tx: Transaction, job_id: str) -> None:
    row = await jobs.get(tx, job_id)
    if row is not None and row["status"] == "running":
        await leases.lose(tx, row, now=now(), changes=jobs.Changes())


async def _release(tx: Transaction, job_id: str) -> None:
    await holds.close_job(tx, job_id=job_id, succeeded=False, now=now())


async def _expire(tx: Transaction, job_id: str) -> None:
    moment: Micros = now()
    await tx.run(QUERIES.expire_approvals, job_id=job_id, now=moment)


async def _cancel(tx: Transaction, job_id: str) -> None:
    await jobs.cancel(tx, job_id=job_id, by="the operator", now=now())


async def _wait_no_more(tx: Transaction, job_id: str) -> None:
    await tx.run(QUERIES.wait_no_more, job_id=job_id)


RULES: Final = (
    Rule(
        "lost runs",
        QUERIES.lost_runs,
        "running, and nobody renews the lease",
        "its worker is gone. A server or worker that runs takes it back within 20 seconds, so "
        "start one; --fix queues it again now",
        _requeue,
    ),
    Rule(
        "event ids",
        QUERIES.gaps,
        "with events missing or too many",
        "readers of its stream see a gap or wait for ever. Restore a backup, or delete the job's "
        "rows once nobody needs its log",
    ),
    Rule(
        "last events",
        QUERIES.endings,
        "whose log does not end as the job did",
        "exactly one event says how a job ended, and it is the last one. The job's status is what "
        "counts; readers of its stream may wait for ever. Restore a backup, or submit it again",
    ),
    Rule(
        "holds",
        QUERIES.holds,
        "over, still holding money",
        "the wallet, the key's cap and budgets have less than they should. --fix gives it back "
        "without a charge",
        _release,
    ),
    Rule(
        "late approvals",
        QUERIES.late_approvals,
        "over, still asking a person",
        "an answer would change nothing. --fix lets the questions expire",
        _expire,
    ),
    Rule(
        "children",
        QUERIES.orphans,
        "not over, of a parent that is",
        "nobody waits for the result, and it costs. --fix cancels it",
        _cancel,
    ),
    Rule(
        "waiting parents",
        QUERIES.waiting_for_nobody,
        "waiting for a child that is over",
        "it runs without a place, so more runs than should. --fix counts it again",
        _wait_no_more,
    ),
)
