"""`/metrics` at the API's own address: for the operator's token alone, else it is not there."""

from __future__ import annotations

from starlette.responses import Response

from puras.server.endpoint import Call, Routes
from puras.server.metrics import instruments
from puras.server.metrics.token import may_read
from puras.server.refusals import Refused

routes = Routes("health")


@routes.get("/metrics", needs=None, media="text/plain", codes=("not_found",))
async def metrics(call: Call) -> Response:
    """Tell Prometheus how this process does, for the token in PURAS_METRICS_TOKEN."""
    given = call.request.headers.get("authorization", "")
    if not may_read(given, token=call.platform.settings.metrics_token, open_without=False):
        raise Refused(
            "not_found", "there is no such path: see the API reference for those that are"
        )
    return Response(instruments.text(), headers={"Content-Type": instruments.CONTENT_TYPE})
