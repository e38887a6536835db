"""Who is at work, and what waits."""

from __future__ import annotations

from puras import wire
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.jobs.states import LEASE
from puras.server.workers import store

routes = Routes("workers")


@routes.get("/v1/workers", needs=Power.LIMITED, returns=wire.Workers)
async def list_workers(call: Call) -> Reply:
    """List the workers that are alive, and count what of this workspace runs and waits."""
    workspace_id, now = call.caller.workspace_id, call.platform.clock()

    async def look_up(tx: Transaction) -> wire.Workers:
        return {
            "workers": await store.alive(tx, workspace_id=workspace_id, since=now - LEASE),
            "queue": await store.queue(tx, workspace_id=workspace_id, now=now),
        }

    return Reply(await call.platform.db.read(look_up))
