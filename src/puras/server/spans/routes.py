"""Where a job's time went."""

from __future__ import annotations

from puras import wire
from puras.server.caller import Power
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.jobs import store as jobs
from puras.server.refusals import Refused
from puras.server.spans import store

routes = Routes("spans")


@routes.get(
    "/v1/jobs/{job_id}/spans",
    needs=Power.NARROW,
    returns=list[wire.Span],
    codes=("job_not_found",),
)
async def list_spans(call: Call) -> Reply:
    """List a job's spans in the order of their beginning; those of its children are their own."""

    async def look_up(tx: Transaction) -> list[wire.Span]:
        job_id = call.path["job_id"]
        row = await jobs.visible(tx, job_id=job_id, caller=call.caller)
        if row is None:
            raise Refused(
                "job_not_found",
                f"there is no job `{job_id}` that this API key may see: check its id",
            )
        return await store.of_job(tx, row["id"])

    return Reply(await call.platform.db.read(look_up))
