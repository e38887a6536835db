"""Making, showing and changing skillpacks; removing one is a matter of its deployments."""

from __future__ import annotations

from puras import wire
from puras.server.caller import Power
from puras.server.clock import iso
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.parameters import page, page_reply
from puras.server.skillpacks import store
from puras.server.skillpacks.store import Skillpack

routes = Routes("skillpacks")


@routes.get(
    "/v1/skillpacks",
    returns=list[wire.Skillpack],
    needs=Power.LIMITED,
    query={
        "limit": "how many at most: 50 by default, 200 at most",
        "before": "only those older than the skillpack with this id",
    },
)
async def list_skillpacks(call: Call) -> Reply:
    """List the workspace's skillpacks, newest first."""
    asked = page(call)
    found = await call.platform.db.read(
        lambda tx: store.page(
            tx,
            workspace_id=call.caller.workspace_id,
            limit=asked.limit + 1,
            before=asked.before,
        )
    )
    return page_reply(call, [on_wire(pack) for pack in found], limit=asked.limit)


@routes.post(
    "/v1/skillpacks",
    body=wire.SkillpackCreate,
    strict=True,
    returns=wire.Skillpack,
    status=201,
    needs=Power.FULL,
    codes=("slug_taken",),
)
async def create_skillpack(call: Call) -> Reply:
    """Create a skillpack with nothing deployed."""
    pack = await call.platform.db.write(
        lambda tx: store.create(
            tx,
            workspace_id=call.caller.workspace_id,
            slug=call.body["slug"],
            name=call.body["name"],
            description=call.body.get("description"),
            public=call.body.get("public", False),
            now=call.platform.clock(),
        )
    )
    return Reply(on_wire(pack))


@routes.get(
    "/v1/skillpacks/{ref}",
    returns=wire.Skillpack,
    needs=Power.LIMITED,
    codes=("skillpack_not_found",),
)
async def get_skillpack(call: Call) -> Reply:
    """Show a skillpack of the workspace, or a public one of another."""
    pack = await call.platform.db.read(
        lambda tx: store.find(tx, call.path["ref"], workspace_id=call.caller.workspace_id)
    )
    if pack is None:
        raise store.not_found(call.path["ref"])
    return Reply(on_wire(pack))


@routes.patch(
    "/v1/skillpacks/{ref}",
    body=wire.SkillpackPatch,
    strict=True,
    returns=wire.Skillpack,
    needs=Power.FULL,
    codes=("skillpack_not_found", "slug_taken"),
)
async def update_skillpack(call: Call) -> Reply:
    """Change what is named; what is left out stays as it is."""

    async def change(tx: Transaction) -> Skillpack:
        pack = await store.find_to_change(
            tx, call.path["ref"], workspace_id=call.caller.workspace_id
        )
        return await store.update(
            tx,
            pack,
            slug=call.body.get("slug", pack.slug),
            name=call.body.get("name", pack.name),
            description=call.body.get("description", pack.description),
            public=call.body.get("public", pack.public),
        )

    return Reply(on_wire(await call.platform.db.write(change)))


def on_wire(pack: Skillpack) -> wire.Skillpack:
    return {
        "id": pack.id,
        "slug": pack.slug,
        "name": pack.name,
        "description": pack.description,
        "active_deployment_id": pack.active_deployment_id,
        "public": pack.public,
        "created_at": iso(pack.created_at),
    }
