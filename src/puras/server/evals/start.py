"""Starts a suite: the checks of a submit, once for all of its runs, then one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from puras.bundle.evals import MAX_REPEAT, Case, Evals
from puras.bundle.faults import did_you_mean, listed
from puras.server import traceparent
from puras.server.caller import Caller
from puras.server.clock import Micros, new_id
from puras.server.db.database import Transaction
from puras.server.deployments.bundles import ArchiveMissing
from puras.server.evals import store
from puras.server.evals.dataset import evals_of
from puras.server.evals.store import NewSuite
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.store import Kept, Ticket
from puras.server.jobs import inputs as job_inputs
from puras.server.jobs.checks import (
    Found,
    check_limits,
    check_secrets,
    check_target,
    find_target,
)
from puras.server.jobs.states import NewJob
from puras.server.jobs.store import DeploymentGone
from puras.server.jobs.wanted import Wanted
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.worker.run import folder_of
from puras.wire import MAX_EVAL_RUNS, Fault

if TYPE_CHECKING:
    from puras.server.platform import Platform

SOURCE = "eval"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for; None: as the skill has it."""

    skillpack: str
    skill: str
    version: int | None = None
    repeat: int | None = None
    threshold: float | None = None
    case_ids: Sequence[str] | None = None


def read_asked(skillpack: str, body: Mapping[str, Any]) -> Asked:
    """Read a checked body. Raises Refused (`invalid_request`), with every fault."""
    faults: list[Fault] = []
    repeat, threshold, version = (body.get(k) for k in ("repeat", "threshold", "version"))
    if repeat is not None and not 1 <= repeat <= MAX_REPEAT:
        faults.append({"path": "$.repeat", "message": f"must be 1 to {MAX_REPEAT}"})
    if threshold is not None and not 0 <= threshold <= 1:
        faults.append({"path": "$.threshold", "message": "must be a share, 0 to 1"})
    if version is not None and not 1 <= version < 2**31:
        faults.append({"path": "$.version", "message": "must be a version, 1 or more"})
    if faults:
        told = "; ".join(f"`{fault['path']}` {fault['message']}" for fault in faults)
        raise Refused("invalid_request", f"the evals can't run like this: {told}", errors=faults)
    return Asked(skillpack, body["skill"], version, repeat, threshold, body.get("case_ids"))


async def start(
    platform: Platform, caller: Caller, asked: Asked, ticket: Ticket | None
) -> tuple[str, Kept | None]:
    """Check a request and queue its runs; return the suite's id, and the twin it repeats if any.

    Raises:
        Refused: at the first check that fails, as a submit of the skill would be refused;
            `invalid_request` for a skill without cases, unknown cases, or too many runs.
    """
    kept = await platform.db.glance(lambda tx: idempotency.find(tx, ticket)) if ticket else None
    if kept is not None:
        return kept.resource_id, kept
    found = await _find(platform, caller, asked)
    evals = await _evals(platform, found)
    cases = choose(evals, asked)
    repeat = asked.repeat or evals.repeat
    if len(cases) * repeat > MAX_EVAL_RUNS:
        raise Refused(
            "invalid_request",
            f"{len(cases)} cases, {repeat} times, are more than {MAX_EVAL_RUNS:,} runs: choose "
            "some cases with `case_ids`, or repeat less",
        )
    await check_limits(platform, caller, found)
    inputs = {case.id: await _inputs(platform, caller, found, case) for case in cases}
    suite = _new_suite(caller, found, asked, evals, cases=cases, repeat=repeat)
    runs = [
        (_new_job(caller, found, inputs[case.id]), case.id) for _ in range(repeat) for case in cases
    ]
    kept = await _create(platform, suite, runs, ticket)
    return (kept.resource_id, kept) if kept else (suite.id, None)


async def _find(platform: Platform, caller: Caller, asked: Asked) -> Found:
    wanted = Wanted(
        skill=asked.skill,
        skillpack=asked.skillpack,
        version=asked.version,
        inputs={},
        source=SOURCE,
    )

    async def look(tx: Transaction) -> Found:
        await skillpacks.find_own(tx, asked.skillpack, workspace_id=caller.workspace_id)
        target = await find_target(tx, wanted, workspace_id=caller.workspace_id)
        found = check_target(caller, wanted, target)
        pack = found.skillpack
        if found.skill["needs"]:
            await check_secrets(tx, wanted.path, found.skill, skillpack_id=pack.id)
        return found

    if caller.rate_per_minute is not None:
        raise Refused(
            "key_fenced",
            "a key that may submit so often a minute can't start evals, which are many runs: use "
            "one without a rate",
        )
    return await platform.db.read(look)


async def _evals(platform: Platform, found: Found) -> Evals:
    deployment = found.deployment
    try:
        bundle = await platform.bundles.unpacked(deployment.id, deployment.sha256)
    except ArchiveMissing as error:
        raise Refused("version_not_found", f"{error}: deploy the skillpack again") from None
    return evals_of(found.skill, bundle / folder_of(found.skill))


def choose(evals: Evals, asked: Asked) -> list[Case]:
    """Return the cases to run. Raises Refused (`invalid_request`)."""
    if not evals.cases:
        raise Refused(
            "invalid_request",
            f"`{asked.skill}` has no eval cases: add `evals` to its skill.yaml and deploy again",
        )
    if asked.case_ids is None:
        return list(evals.cases)
    known = {case.id: case for case in evals.cases}
    unknown = [case_id for case_id in asked.case_ids if case_id not in known]
    if unknown or not asked.case_ids:
        hint = did_you_mean(unknown[0], known) if unknown else ""
        raise Refused(
            "invalid_request",
            f"`{asked.skill}` has no cases {listed(unknown)}{hint}"
            if unknown
            else "`case_ids` names no case: leave it out to run all",
        )
    return [known[case_id] for case_id in dict.fromkeys(asked.case_ids)]


async def _inputs(platform: Platform, caller: Caller, found: Found, case: Case) -> dict[str, Any]:
    inputs = job_inputs.fill(found.skill, case.inputs)
    await job_inputs.check_files(platform.db, caller, found.skill, inputs)
    return inputs


def _new_suite(
    caller: Caller,
    found: Found,
    asked: Asked,
    evals: Evals,
    *,
    cases: Sequence[Case],
    repeat: int,
) -> NewSuite:
    chosen = Evals(cases=tuple(cases), graders=evals.graders)
    return NewSuite(
        id=new_id(),
        workspace_id=caller.workspace_id,
        skillpack_id=found.skillpack.id,
        skill_name=found.skill["name"],
        deployment_id=found.deployment.id,
        version=found.deployment.version,
        key_id=caller.key_id,
        repeat=repeat,
        threshold=evals.threshold if asked.threshold is None else asked.threshold,
        graders=[(grader.name, grader.kind) for grader in chosen.all_graders()],
        cases=[(case.id, case.tags) for case in cases],
    )


def _new_job(caller: Caller, found: Found, inputs: dict[str, Any]) -> NewJob:
    return NewJob(
        id=new_id(),
        workspace_id=caller.workspace_id,
        skillpack_id=found.skillpack.id,
        skillpack=found.skillpack.slug,
        deployment_id=found.deployment.id,
        version=found.deployment.version,
        skill_name=found.skill["name"],
        type=found.skill["type"],
        key_id=caller.key_id,
        inputs=inputs,
        wide_reach=True,
        public_view=False,
        source=SOURCE,
        skill_concurrency=found.skill.get("concurrency"),
        traceparent=traceparent.kept(),
    )


async def _create(
    platform: Platform,
    suite: NewSuite,
    runs: Sequence[tuple[NewJob, str]],
    ticket: Ticket | None,
) -> Kept | None:
    now: Micros = platform.clock()

    async def effect(tx: Transaction) -> Kept | None:
        twin = await idempotency.remember(tx, ticket, status=201, resource_id=suite.id, now=now)
        if twin is not None:
            return twin
        await store.create(tx, suite, runs, now=now)
        for job, _ in runs[: store.AT_ONCE]:
            await platform.queue.put(tx, job.id)
        return None

    try:
        kept = await platform.db.write(effect)
    except DeploymentGone:
        raise Refused(
            "version_not_found", f"version {suite.version} was just deleted: choose another one"
        ) from None
    platform.queue.wake()
    return kept
