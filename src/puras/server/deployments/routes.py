"""Deploying a bundle, choosing the active version, removing old ones, or the whole skillpack."""

from __future__ import annotations

from starlette.responses import Response

from puras import wire
from puras.server.caller import Power
from puras.server.clock import iso
from puras.server.db.database import Transaction
from puras.server.deployments import removal, store
from puras.server.deployments.deploy import deploy
from puras.server.deployments.store import Deployment
from puras.server.endpoint import Call, Reply, Routes
from puras.server.home import incoming
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.at_work import at_work
from puras.server.idempotency.guard import replayed, take_ticket
from puras.server.idempotency.store import Ticket
from puras.server.parameters import page, page_reply
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.server.storage.form import Form, read_form

routes = Routes("deployments")

_MOST_NOTES = 2_000
_ANSWERS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@routes.get(
    "/v1/skillpacks/{ref}/deployments",
    returns=list[wire.Deployment],
    needs=Power.LIMITED,
    query={
        "limit": "how many at most: 50 by default, 200 at most",
        "before": "only those older than the deployment with this id",
    },
    codes=("skillpack_not_found",),
)
async def list_deployments(call: Call) -> Reply:
    """List a skillpack's deployments, newest first."""
    asked = page(call)

    async def look_up(tx: Transaction) -> list[Deployment]:
        pack = await _own_skillpack(tx, call)
        return await store.page(tx, pack.id, limit=asked.limit + 1, before=asked.before)

    found = await call.platform.db.read(look_up)
    return page_reply(call, [on_wire(deployment) for deployment in found], limit=asked.limit)


@routes.post(
    "/v1/skillpacks/{ref}/deployments",
    returns=wire.Deployment,
    status=201,
    needs=Power.FULL,
    form={
        "bundle": "the bundle as a zip file, at most 50 MiB (a file)",
        "activate": "`true` (default): new jobs use it at once; `false`: it waits",
        "notes": "what changed, at most 2,000 characters",
    },
    idempotent=True,
    codes=(
        "skillpack_not_found",
        "too_large",
        "bad_bundle",
        "invalid_bundle",
        "bad_requirements",
        "idempotency_in_progress",
    ),
)
async def create_deployment(call: Call) -> Reply:
    """Deploy a bundle as the next version of a skillpack.

    Everything that can be checked is, and all faults are named at once.
    """
    platform = call.platform
    pack = await platform.db.read(lambda tx: _own_skillpack(tx, call))
    async with read_form(
        call.request,
        file_field="bundle",
        folder=incoming(platform.settings.home),
        limit=wire.MAX_BUNDLE_BYTES,
    ) as form:
        ticket = take_ticket(call, parts=form.parts)
        async with at_work(platform, ticket) as earlier:
            if earlier is not None:
                kept = await platform.db.read(
                    lambda tx: store.of_skillpack(tx, pack.id, deployment_id=earlier.resource_id)
                )
                return replayed(on_wire(kept), earlier)
            return Reply(on_wire(await _deploy(call, pack, form=form, ticket=ticket)))


@routes.post(
    "/v1/skillpacks/{ref}/deployments/{deployment_id}/activate",
    returns=wire.Deployment,
    needs=Power.FULL,
    codes=("skillpack_not_found", "deployment_not_found"),
)
async def activate_deployment(call: Call) -> Reply:
    """Let new jobs use this version; queued and running jobs keep theirs."""

    async def activate(tx: Transaction) -> Deployment:
        pack = await skillpacks.find_to_change(
            tx, call.path["ref"], workspace_id=call.caller.workspace_id
        )
        deployment_id = call.path["deployment_id"]
        found = await store.of_skillpack(tx, pack.id, deployment_id=deployment_id)
        return await store.activate(tx, found)

    return Reply(on_wire(await call.platform.db.write(activate)))


@routes.delete(
    "/v1/skillpacks/{ref}/deployments/{deployment_id}",
    status=204,
    needs=Power.FULL,
    codes=("skillpack_not_found", "deployment_not_found", "deployment_in_use"),
)
async def delete_deployment(call: Call) -> Response:
    """Delete a version that is not active and has no jobs at work; its number stays."""
    await removal.delete_deployment(
        call.platform,
        call.path["ref"],
        deployment_id=call.path["deployment_id"],
        workspace_id=call.caller.workspace_id,
    )
    return Response(status_code=204)


@routes.delete(
    "/v1/skillpacks/{ref}",
    status=204,
    needs=Power.FULL,
    codes=("skillpack_not_found", "deployment_in_use"),
)
async def delete_skillpack(call: Call) -> Response:
    """Delete a skillpack with all of its deployments and secrets; its jobs stay readable."""
    await removal.delete_skillpack(
        call.platform, call.path["ref"], workspace_id=call.caller.workspace_id
    )
    return Response(status_code=204)


def on_wire(deployment: Deployment) -> wire.Deployment:
    return {
        "id": deployment.id,
        "version": deployment.version,
        "is_active": deployment.is_active,
        "size_bytes": deployment.size_bytes,
        "notes": deployment.notes,
        "created_at": iso(deployment.created_at),
        "manifest": deployment.manifest,
    }


async def _own_skillpack(tx: Transaction, call: Call) -> Skillpack:
    return await skillpacks.find_own(tx, call.path["ref"], workspace_id=call.caller.workspace_id)


async def _deploy(call: Call, pack: Skillpack, *, form: Form, ticket: Ticket | None) -> Deployment:
    return await deploy(
        call.platform,
        workspace_id=pack.workspace_id,
        skillpack_id=pack.id,
        archive=form.path,
        activate=_activate(form),
        notes=_notes(form),
        record=lambda tx, deployment_id: idempotency.finish(
            tx, ticket, status=201, resource_id=deployment_id
        ),
    )


def _activate(form: Form) -> bool:
    answer = _ANSWERS.get(form.fields.get("activate", "true").strip().lower())
    if answer is None:
        raise Refused("invalid_request", "the field `activate` must be `true` or `false`")
    return answer


def _notes(form: Form) -> str | None:
    notes = form.fields.get("notes", "").strip()
    if len(notes) > _MOST_NOTES:
        raise Refused("invalid_request", f"`notes` has at most {_MOST_NOTES} characters: cut it")
    return notes or None
