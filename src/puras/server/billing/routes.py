"""What a workspace has, and what became of it."""

from __future__ import annotations

from typing import cast, get_args

from puras import wire
from puras.server.billing import store
from puras.server.billing.spend import spend
from puras.server.caller import Power
from puras.server.clock import iso
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.parameters import bad_parameter, integer, page, page_reply

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


@routes.get(
    "/v1/billing/ledger",
    returns=list[wire.LedgerEntry],
    needs=Power.LIMITED,
    query={"limit": "how many at most: 50, at most 200", "before": "the id of the last one shown"},
)
async def list_ledger(call: Call) -> Reply:
    """List every change of the wallet, newest first; the balance is their sum."""
    asked = page(call)
    found = await call.platform.db.read(
        lambda tx: store.ledger_page(
            tx,
            workspace_id=call.caller.workspace_id,
            limit=asked.limit + 1,
            before=asked.before,
        )
    )
    return page_reply(call, [_entry(row) for row in found], limit=asked.limit)


@routes.get(
    "/v1/billing/spend",
    returns=wire.Spend,
    needs=Power.LIMITED,
    query={
        "by": "`skill` (default), `day` or `key`",
        "days": f"how many UTC days, today included: 30, at most {wire.MAX_SPEND_DAYS}",
    },
)
async def show_spend(call: Call) -> Reply:
    """Add up what the workspace spent: what failed and what still runs included."""
    by = call.query.get("by", "").strip() or "skill"
    if by not in get_args(wire.SpendBy):
        raise bad_parameter("by", "must be `skill`, `day` or `key`")
    days = integer(call, "days", default=30, least=1, most=wire.MAX_SPEND_DAYS)
    return Reply(
        await call.platform.db.read(
            lambda tx: spend(
                tx,
                workspace_id=call.caller.workspace_id,
                by=cast("wire.SpendBy", by),
                days=days,
                now=call.platform.clock(),
            )
        )
    )


def _entry(row: store.LedgerRow) -> wire.LedgerEntry:
    return {
        "id": row.id,
        "kind": row.kind,
        "amount_micros": row.amount_micros,
        "job_id": row.job_id,
        "note": row.note,
        "created_at": iso(row.created_at),
    }
