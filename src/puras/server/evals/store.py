"""Suites of evals: which skill runs on which cases, how often, and the jobs that do it.

A suite has no state of its own. Its runs are jobs, queued with it in one transaction; a few may
begin, the others are parked, and each that ends lets the next one go (`jobs.store.end`). So a suite
goes on wherever there is a worker, and what became of it is read from its jobs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.jobs import store as jobs
from puras.server.jobs.states import NewJob
from puras.server.refusals import Refused

QUERIES = load(__file__)
AT_ONCE = 4
"""Runs of a suite that may be at work at the same time, so that it leaves room for others."""


@dataclass(frozen=True, slots=True)
class NewSuite:
    """A suite that passed every check; `graders` has (name, kind), `cases` (id, tags)."""

    id: str
    workspace_id: str
    skillpack_id: str
    skill_name: str
    deployment_id: str
    version: int
    key_id: str | None
    repeat: int
    threshold: float
    graders: Sequence[tuple[str, str]]
    cases: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Suite:
    """`skillpack` is its slug."""

    id: str
    workspace_id: str
    skillpack_id: str
    skillpack: str
    skill_name: str
    version: int
    repeat: int
    threshold: float
    total_runs: int
    graders: list[tuple[str, str]]
    cases: list[tuple[str, list[str]]]
    cancelled_at: Micros | None
    created_at: Micros


async def create(
    tx: Transaction, suite: NewSuite, runs: Sequence[tuple[NewJob, str]], *, now: Micros
) -> None:
    """Make a suite and queue its runs: each a job, and the case that it is for.

    Raises:
        DeploymentGone: the version was deleted meanwhile.
    """
    await tx.run(
        QUERIES.insert,
        id=suite.id,
        workspace_id=suite.workspace_id,
        skillpack_id=suite.skillpack_id,
        skill_name=suite.skill_name,
        deployment_id=suite.deployment_id,
        version=suite.version,
        key_id=suite.key_id,
        repeat=suite.repeat,
        threshold=suite.threshold,
        total_runs=len(runs),
        graders=json.dumps(suite.graders),
        cases=json.dumps(suite.cases),
        created_at=now,
    )
    for number, (job, case_id) in enumerate(runs):
        await jobs.enqueue(tx, job, now=now)
        parked = int(number >= AT_ONCE)
        await tx.run(QUERIES.mark, id=job.id, suite_id=suite.id, eval_case=case_id, parked=parked)


async def get(tx: Transaction, suite_id: str, *, workspace_id: str) -> Suite:
    """Return a suite of a workspace. Raises Refused (`eval_not_found`)."""
    row = await tx.one(QUERIES.get, id=suite_id.lower(), workspace_id=workspace_id)
    if row is None:
        raise Refused(
            "eval_not_found",
            f"there is no suite of evals `{suite_id}` in this workspace: list those of the "
            "skillpack",
        )
    return _suite(row)


async def page(
    tx: Transaction, skillpack_id: str, *, skill: str | None, limit: int, before: str | None
) -> list[Suite]:
    """Return the suites of a skillpack, or of one skill of it, newest first."""
    rows = await tx.all(
        QUERIES.page, skillpack_id=skillpack_id, skill=skill, limit=limit, before=before
    )
    return [_suite(row) for row in rows]


async def latest(tx: Transaction, skillpack_id: str, *, skill: str, version: int) -> Suite | None:
    """Return the newest suite of a skill's version that was not cancelled."""
    row = await tx.one(QUERIES.latest, skillpack_id=skillpack_id, skill=skill, version=version)
    return None if row is None else _suite(row)


async def runs(tx: Transaction, suite: Suite) -> list[Row]:
    """Return what a report needs of a suite's jobs, in their order."""
    return await tx.all(QUERIES.runs, suite_id=suite.id)


async def cancel(tx: Transaction, suite: Suite, *, now: Micros) -> jobs.Changes:
    """Cancel what is left of a suite; one that is over stays as it is."""
    left = await tx.all(QUERIES.lock_unfinished, suite_id=suite.id)
    if left:
        await tx.run(QUERIES.cancel, id=suite.id, now=now)
    by = "the cancel of its suite of evals"
    return await jobs.cancel_all(tx, [job["id"] for job in left], by=by, now=now)


def _suite(row: Row) -> Suite:
    cases: list[Any] = json.loads(row["cases"])
    return Suite(
        id=row["id"],
        workspace_id=row["workspace_id"],
        skillpack_id=row["skillpack_id"],
        skillpack=row["skillpack"],
        skill_name=row["skill_name"],
        version=row["version"],
        repeat=row["repeat"],
        threshold=row["threshold"],
        total_runs=row["total_runs"],
        graders=[(name, kind) for name, kind in json.loads(row["graders"])],
        cases=[(case_id, list(tags)) for case_id, tags in cases],
        cancelled_at=row["cancelled_at"],
        created_at=row["created_at"],
    )
