"""Restate as a contestant: a service that its server calls, in an environment of its own.

python -m hypercorn peer_restate:app --bind 127.0.0.1:9080
"""

from __future__ import annotations

import restate

service = restate.Service("peer")


@service.handler()
async def nothing(context: restate.Context, inputs: dict[str, str]) -> dict[str, str]:
    return {}


app = restate.app([service])
