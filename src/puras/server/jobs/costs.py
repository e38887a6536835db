"""What a job's cost is made of."""

from __future__ import annotations

from puras import wire
from puras.server.billing import store as billing
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.jobs import store
from puras.server.refusals import Refused

routes = Routes("jobs")


@routes.get(
    "/v1/jobs/{job_id}/costs",
    returns=wire.JobCosts,
    needs=Power.NARROW,
    codes=("job_not_found",),
)
async def show_costs(call: Call) -> Reply:
    """Show what a job's cost is made of; what its children cost is theirs."""

    async def look_up(tx: Transaction) -> wire.JobCosts:
        job_id = call.path["job_id"]
        row = await store.visible(tx, job_id=job_id, caller=call.caller)
        if row is None:
            raise Refused(
                "job_not_found",
                f"there is no job `{job_id}` that this API key may see: check its id",
            )
        lines = await billing.costs(tx, job_id=row["id"])
        return {"cost_micros": row["cost_micros"], "lines": lines}

    return Reply(await call.platform.db.read(look_up))
