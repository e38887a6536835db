"""`/v1/budgets`: what a workspace, a skillpack or one skill may spend in a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from puras import wire
from puras.server.bodies import invalid
from puras.server.budgets import store, windows
from puras.server.budgets.store import Budget, Terms
from puras.server.caller import Power
from puras.server.clock import Micros, iso, iso_or_none
from puras.server.db.database import Transaction
from puras.server.deployments import store as deployments
from puras.server.endpoint import Call, Reply, Routes
from puras.server.parameters import page, page_reply
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.wire import MICROS_PER_USD, Fault

routes = Routes("budgets")

_MOST_USD = 1_000_000_000


@routes.post(
    "/v1/budgets",
    needs=Power.FULL,
    body=wire.BudgetCreate,
    strict=True,
    returns=wire.Budget,
    status=201,
    codes=("skillpack_not_found", "skill_not_found"),
)
async def create_budget(call: Call) -> Reply:
    """Make a budget; what was spent in its window before counts too."""
    body, now = call.body, call.platform.clock()
    terms = _read_terms(body, Terms("day", 0))
    _check_scope(body)

    async def create(tx: Transaction) -> wire.Budget:
        budget = await store.create(
            tx,
            terms,
            workspace_id=call.caller.workspace_id,
            skillpack=await _skillpack(tx, call),
            skill_name=body.get("skill_name"),
            now=now,
        )
        return await _on_wire(tx, budget, now)

    return Reply(await call.platform.db.write(create))


@routes.get(
    "/v1/budgets",
    needs=Power.FULL,
    returns=list[wire.Budget],
    query={
        "limit": "how many at most: 50 by default, 200 at most",
        "before": "only those older than the budget with this id",
    },
)
async def list_budgets(call: Call) -> Reply:
    """List the workspace's budgets with what is spent of them, newest first."""
    asked, now = page(call), call.platform.clock()

    async def look_up(tx: Transaction) -> list[wire.Budget]:
        found = await store.page(
            tx,
            workspace_id=call.caller.workspace_id,
            limit=asked.limit + 1,
            before=asked.before,
        )
        return [await _on_wire(tx, budget, now) for budget in found]

    return page_reply(call, await call.platform.db.read(look_up), limit=asked.limit)


@routes.patch(
    "/v1/budgets/{budget_id}",
    needs=Power.FULL,
    body=wire.BudgetPatch,
    strict=True,
    returns=wire.Budget,
    codes=("budget_not_found",),
)
async def change_budget(call: Call) -> Reply:
    """Change a budget's terms; what is left out stays as it is."""
    now = call.platform.clock()

    async def change(tx: Transaction) -> wire.Budget:
        budget = await _get(tx, call)
        changed = await store.change(tx, budget, _read_terms(call.body, budget.terms))
        return await _on_wire(tx, changed, now)

    return Reply(await call.platform.db.write(change))


@routes.delete("/v1/budgets/{budget_id}", status=204, needs=Power.FULL, codes=("budget_not_found",))
async def delete_budget(call: Call) -> Response:
    """Delete a budget; it limits nothing any more."""
    await call.platform.db.write(
        lambda tx: store.delete(tx, call.path["budget_id"], workspace_id=call.caller.workspace_id)
    )
    return Response(status_code=204)


def _read_terms(body: Mapping[str, Any], before: Terms) -> Terms:
    """Return the terms with what a checked body changes. Raises Refused, with every fault."""
    faults: list[Fault] = []
    limit, alert = body.get("limit_usd"), body.get("alert_pct")
    if limit is not None and not 0 <= limit <= _MOST_USD:
        faults.append({"path": "$.limit_usd", "message": f"must be 0 to {_MOST_USD:,} US dollars"})
    if alert is not None and not 1 <= alert <= 100:
        faults.append({"path": "$.alert_pct", "message": "must be 1 to 100 percent of the limit"})
    if faults:
        raise invalid(faults)
    changes = {name: body[name] for name in ("window", "enforce", "enabled") if name in body}
    if limit is not None:
        changes["limit_micros"] = round(limit * MICROS_PER_USD)
    if "alert_pct" in body:
        changes["alert_pct"] = None if alert is None else int(alert)
    return replace(before, **changes)


def _check_scope(body: Mapping[str, Any]) -> None:
    has_skillpack = body.get("skillpack") is not None
    if body["scope"] == "skillpack" and not has_skillpack:
        raise invalid([{"path": "$.skillpack", "message": "is required with this scope"}])
    if body["scope"] == "workspace":
        faults: list[Fault] = [
            {"path": f"$.{name}", "message": "goes with the scope `skillpack` only"}
            for name in ("skillpack", "skill_name")
            if body.get(name) is not None
        ]
        if faults:
            raise invalid(faults)


async def _skillpack(tx: Transaction, call: Call) -> tuple[str, str] | None:
    """Find the skillpack that a budget is for, a public one of others too, and check its skill."""
    reference, skill = call.body.get("skillpack"), call.body.get("skill_name")
    if reference is None:
        return None
    pack = await skillpacks.find(tx, reference, workspace_id=call.caller.workspace_id)
    if pack is None:
        raise skillpacks.not_found(reference)
    if skill is not None and skill not in await deployments.active_skills(tx, pack.id):
        raise Refused(
            "skill_not_found",
            f"what is active in `{reference}` has no skill `{skill}`: deploy it first",
        )
    own = pack.workspace_id == call.caller.workspace_id
    return pack.id, pack.slug if own else f"{pack.workspace}/{pack.slug}"


async def _get(tx: Transaction, call: Call) -> Budget:
    return await store.get(tx, call.path["budget_id"], workspace_id=call.caller.workspace_id)


async def _on_wire(tx: Transaction, budget: Budget, now: Micros) -> wire.Budget:
    terms = budget.terms
    return {
        "id": budget.id,
        "scope": budget.scope,
        "skillpack": budget.skillpack,
        "skill_name": budget.skill_name,
        "window": terms.window,
        "limit_usd": terms.limit_micros / MICROS_PER_USD,
        "alert_pct": terms.alert_pct,
        "enforce": terms.enforce,
        "enabled": terms.enabled,
        "spent_micros": await store.spent(tx, budget, now=now),
        "window_starts_at": iso_or_none(windows.start(terms.window, now)),
        "alerted_at": iso_or_none(budget.alert_at(now)),
        "created_at": iso(budget.created_at),
    }
