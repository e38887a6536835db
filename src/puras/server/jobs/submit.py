"""Everything between a request for a job and its row: the checks, in the contract's order.

    4  shape         read_wanted
    5  idempotency   find a twin that was here before
    6  key kind      a prompt is for secret keys
    7  allowlist     the same refusal for what does not exist and for what is not allowed
    8  target        skill, deployment, version
    9  daily cap     10  rate     11 budgets     12  credits
    13 inputs        every violation at once, and files within the key's reach
    14 secrets       those that the skill says it needs are set
    →  one transaction writes idempotency record, job and first event

`wanted` reads a request, `checks` has the checks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bind_contextvars

from puras.server import traceparent
from puras.server.caller import Caller
from puras.server.clock import Micros, new_id
from puras.server.db.database import Row, Transaction
from puras.server.events.store import StoredEvent
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.store import Kept, Ticket
from puras.server.jobs import inline, store
from puras.server.jobs import inputs as job_inputs
from puras.server.jobs.checks import (
    Found,
    check_allowlist,
    check_kind,
    check_limits,
    check_secrets,
    check_target,
    find_target,
)
from puras.server.jobs.states import NewJob
from puras.server.jobs.wanted import Wanted
from puras.server.refusals import Refused

if TYPE_CHECKING:
    from puras.server.platform import Platform


async def submit(
    platform: Platform, caller: Caller, wanted: Wanted, ticket: Ticket | None
) -> tuple[str, Kept | None]:
    """Check a request and queue its job; return the job's id, and the twin it repeats if any.

    Raises:
        Refused: at the first check that fails, with nothing written but the rate's counter.
    """
    kept = await platform.db.glance(lambda tx: idempotency.find(tx, ticket)) if ticket else None
    if kept is not None:
        return kept.resource_id, kept
    check_kind(caller, wanted)
    target = await platform.db.glance(
        lambda tx: find_target(tx, wanted, workspace_id=caller.workspace_id, now=platform.clock())
    )
    check_allowlist(caller, wanted, target)
    found = check_target(caller, wanted, target)
    await check_limits(platform, caller, found)
    inputs = job_inputs.fill(found.skill, wanted.inputs)
    await job_inputs.check_files(platform.db, caller, found.skill, inputs)
    if found.skill["needs"]:
        pack_id = found.skillpack.id
        await platform.db.read(
            lambda tx: check_secrets(tx, wanted.path, found.skill, skillpack_id=pack_id)
        )
    if found.deployment.version == 0:
        home = await inline.make_home(platform, caller.workspace_id)
        found = replace(found, skillpack=home[0], deployment=home[1])
    job = _new_job(caller, wanted, found, inputs)
    kept = await _enqueue(platform, job, ticket)
    return (kept.resource_id, kept) if kept else (job.id, None)


def _new_job(caller: Caller, wanted: Wanted, found: Found, inputs: dict[str, Any]) -> NewJob:
    pack, deployment = found.skillpack, found.deployment
    own = pack.workspace_id == caller.workspace_id
    return NewJob(
        id=new_id(),
        workspace_id=caller.workspace_id,
        skillpack_id=pack.id,
        skillpack=pack.slug,
        deployment_id=deployment.id,
        version=deployment.version,
        skill_name=wanted.skill,
        type=found.skill["type"],
        key_id=caller.key_id,
        inputs=inputs,
        prompt=wanted.prompt,
        wide_reach=own and not caller.is_publishable,
        public_view=not own,
        source=wanted.source,
        skill_concurrency=found.skill.get("concurrency"),
        traceparent=traceparent.kept(),
    )


async def _enqueue(platform: Platform, job: NewJob, ticket: Ticket | None) -> Kept | None:
    now: Micros = platform.clock()

    async def effect(tx: Transaction) -> Kept | StoredEvent:
        twin = await idempotency.remember(tx, ticket, status=201, resource_id=job.id, now=now)
        if twin is not None:
            return twin
        event = await store.enqueue(tx, job, now=now)
        await platform.queue.put(tx, job.id)
        return event

    try:
        done = await platform.db.write(effect)
    except store.DeploymentGone:
        raise Refused(
            "version_not_found", f"version {job.version} of `{job.skillpack}` was just deleted"
        ) from None
    if isinstance(done, Kept):
        return done
    platform.queue.wake()
    bind_contextvars(job_id=job.id)
    return None


async def submit_child(
    tx: Transaction, parent: Row, job: NewJob, *, now: Micros
) -> StoredEvent | None:
    """Queue a child and give it its parent's slot; None when the parent was fenced off."""
    if not await store.wait_for_child(tx, job_id=parent["id"], attempt=parent["attempt"]):
        return None
    return await store.enqueue(tx, job, now=now)
