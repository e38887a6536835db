"""What a workspace has and has spent."""

from __future__ import annotations

from puras import wire
from puras.server.billing import store
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes

routes = Routes("billing")


@routes.get("/v1/billing/balance", returns=wire.Balance, needs=Power.NARROW)
async def get_balance(call: Call) -> Reply:
    """Show the wallet of the key's workspace, and what the workspace spent today (UTC)."""
    caller, now = call.caller, call.platform.clock()

    async def look_up(tx: Transaction) -> wire.Balance:
        micros = await store.balance(tx, caller.workspace_id)
        return {
            "workspace_id": caller.workspace_id,
            "workspace": caller.workspace,
            "balance_micros": micros,
            "balance_usd": micros / wire.MICROS_PER_USD,
            "spent_today_micros": await store.workspace_spent_today(
                tx, workspace_id=caller.workspace_id, now=now
            ),
        }

    return Reply(await call.platform.db.read(look_up))
