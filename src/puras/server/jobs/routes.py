"""The calls on jobs: submit, read, wait, cancel, replay, events and their stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from puras import wire
from puras.server import parameters
from puras.server.auth import still_valid
from puras.server.caller import Power
from puras.server.db.database import Row
from puras.server.endpoint import Call, Reply, Routes
from puras.server.events import store as events
from puras.server.idempotency.guard import replayed, take_ticket
from puras.server.jobs import store
from puras.server.jobs.replay import replay
from puras.server.jobs.stream import EventStream, Log
from puras.server.jobs.submit import submit
from puras.server.jobs.view import output_paths, sees_public_view, view
from puras.server.jobs.waiting import wait_for_end
from puras.server.jobs.wanted import read_wanted
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks

routes = Routes("jobs")

_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")
_SUBMIT_CODES = (
    "invalid_inputs",
    "insufficient_credits",
    "budget_exhausted",
    "key_kind_not_allowed",
    "skill_not_allowed",
    "skill_not_found",
    "no_active_deployment",
    "version_not_found",
    "secrets_missing",
    "spend_cap_reached",
    "rate_limited",
    "idempotency_mismatch",
)


@routes.post(
    "/v1/jobs",
    needs=Power.PUBLISHABLE,
    body=wire.SubmitBody,
    returns=wire.Job,
    status=201,
    idempotent=True,
    codes=_SUBMIT_CODES,
    query={
        "skillpack": "The skillpack: a slug, or `workspace/skillpack`.",
        "skillpack_id": "The skillpack by its id.",
        "version": "Run this version instead of the active one.",
        "wait": "`1`, `true` or `yes`: answer when the job is over, or after `timeout`.",
        "timeout": "How many seconds to wait; 60 by default and at most.",
    },
)
async def submit_job(call: Call) -> Reply:
    """Submit a job, and wait for it if asked to."""
    seconds = parameters.submit_wait_seconds(call)
    version = parameters.whole_or_none(call, "version")
    wanted = read_wanted(call.body, call.query, version)
    job_id, twin = await submit(call.platform, call.caller, wanted, take_ticket(call))
    row = await wait_for_end(call.platform.db, call.platform.hub, job_id, seconds=seconds)
    if row is None:
        raise _no_job(job_id)
    job = await _view(call, row)
    return replayed(job, twin) if twin else Reply(job)


@routes.get(
    "/v1/jobs",
    needs=Power.NARROW,
    returns=list[wire.Job],
    query={
        "status": "Only jobs in this status.",
        "skillpack": "Only jobs of this skillpack.",
        "skill": "Only jobs of this skill.",
        "limit": "At most so many; 50 by default, 200 at most.",
        "before": "Only jobs older than the one with this id.",
    },
    codes=("skillpack_not_found",),
)
async def list_jobs(call: Call) -> Reply:
    """List jobs, newest first."""
    page, status = parameters.page(call), call.query.get("status") or None
    if status is not None and status not in _STATUSES:
        raise parameters.bad_parameter("status", f"must be one of {', '.join(_STATUSES)}")
    skillpack_id = await _skillpack_id(call)
    rows = await call.platform.db.read(
        lambda tx: store.list_visible(
            tx,
            call.caller,
            status=status,
            skillpack_id=skillpack_id,
            skill=call.query.get("skill") or None,
            before=page.before,
            limit=page.limit + 1,
        )
    )
    return parameters.page_reply(call, [await _view(call, row) for row in rows], limit=page.limit)


@routes.get(
    "/v1/jobs/{job_id}",
    needs=Power.PUBLISHABLE,
    returns=wire.Job,
    query={"wait": "Hold the answer until the job is over, so many seconds at most (60)."},
    codes=("job_not_found",),
)
async def get_job(call: Call) -> Reply:
    """Get a job, and wait for its end if asked to."""
    seconds = parameters.wait_seconds(call)
    row = await _visible(call)
    if seconds and row["status"] not in wire.TERMINAL_STATUSES:
        platform = call.platform
        row = await wait_for_end(platform.db, platform.hub, row["id"], seconds=seconds) or row
    return Reply(await _view(call, row))


@routes.post(
    "/v1/jobs/{job_id}/cancel",
    needs=Power.PUBLISHABLE,
    returns=wire.Job,
    codes=("job_not_found",),
)
async def cancel_job(call: Call) -> Reply:
    """Cancel a job and its children; one that is over stays as it is."""
    row, platform = await _visible(call), call.platform
    changes = await platform.db.write(
        lambda tx: store.cancel(tx, job_id=row["id"], by="its caller", now=platform.clock())
    )
    platform.announce(changes)
    return Reply(await _view(call, await _visible(call)))


@routes.post(
    "/v1/jobs/{job_id}/replay",
    needs=Power.NARROW,
    returns=wire.Job,
    status=201,
    idempotent=True,
    query={"version": "Run this version; by default the one that the job ran on."},
    codes=("job_not_found", *_SUBMIT_CODES),
)
async def replay_job(call: Call) -> Reply:
    """Submit a job's inputs again, as a new job."""
    version = parameters.whole_or_none(call, "version")
    original, ticket = await _visible(call), take_ticket(call)
    job_id, twin = await replay(
        call.platform, call.caller, original, version=version, ticket=ticket
    )
    row = await call.platform.db.read(lambda tx: store.get(tx, job_id))
    if row is None:
        raise _no_job(job_id)
    job = await _view(call, row)
    return replayed(job, twin) if twin else Reply(job)


@routes.get(
    "/v1/jobs/{job_id}/events",
    needs=Power.PUBLISHABLE,
    returns=list[wire.JobEvent],
    query={
        "after": "Only events with ids above this one; 0 by default.",
        "limit": "At most so many; 1,000 by default, 10,000 at most.",
    },
    codes=("job_not_found",),
)
async def list_events(call: Call) -> Response:
    """List a job's events, oldest first."""
    after = parameters.integer(call, "after", default=0, most=2**53)
    limit = parameters.integer(call, "limit", default=1000, least=1, most=wire.MAX_EVENTS_PAGE)
    row = await _visible(call)
    found = await call.platform.db.read(
        lambda tx: events.page(tx, job_id=row["id"], after=after, limit=limit)
    )
    public = sees_public_view(row, call.caller)
    body = b"[" + b",".join(event.encode(public=public) for event in found) + b"]"
    return Response(body, media_type="application/json")


@routes.get(
    "/v1/jobs/{job_id}/stream",
    needs=Power.PUBLISHABLE,
    returns=wire.JobEvent,
    media="text/event-stream",
    query={"after": "Only events with ids above this one. `Last-Event-ID` counts too."},
    codes=("job_not_found",),
)
async def stream_events(call: Call) -> Response:
    """Stream a job's events as Server-Sent Events: the backlog first, then live, to the end."""
    after = max(parameters.integer(call, "after", default=0, most=2**53), _last_event_id(call))
    row, platform, caller = await _visible(call), call.platform, call.caller
    log = Log(platform.db, platform.hub, row["id"], sees_public_view(row, caller))
    return EventStream(
        log,
        after=after,
        still_allowed=lambda: still_valid(platform, caller),
        ping_seconds=platform.settings.ping_seconds,
    )


async def _visible(call: Call) -> Row:
    job_id = call.path["job_id"]
    row = await call.platform.db.glance(
        lambda tx: store.visible(tx, job_id=job_id, caller=call.caller)
    )
    if row is None:
        raise _no_job(job_id)
    return row


async def _skillpack_id(call: Call) -> str | None:
    reference = call.query.get("skillpack") or call.query.get("skillpack_id")
    if not reference:
        return None
    pack = await call.platform.db.read(
        lambda tx: skillpacks.find(tx, reference, workspace_id=call.caller.workspace_id)
    )
    if pack is None:
        raise Refused("skillpack_not_found", f"there is no skillpack `{reference}`: check its path")
    return pack.id


def _last_event_id(call: Call) -> int:
    # Browsers send back what we sent; anything else is no reason to refuse a stream.
    text = call.request.headers.get("last-event-id", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


async def _view(call: Call, row: Row | Mapping[str, Any]) -> wire.Job:
    paths = output_paths(row)
    urls = await call.platform.signer.result_urls(row["workspace_id"], paths) if paths else {}
    return view(row, call.caller, urls=urls)


def _no_job(job_id: str) -> Refused:
    return Refused(
        "job_not_found", f"there is no job `{job_id}` that this API key may see: check its id"
    )
