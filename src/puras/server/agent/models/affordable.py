"""What a turn may say where less money was held than it may cost: pure."""

from __future__ import annotations

from dataclasses import replace

from puras.server.agent.models.port import ModelRequest

LEAST_OUTPUT_TOKENS = 256
"""With fewer a model is not asked at all."""


def at_least(request: ModelRequest) -> ModelRequest:
    """Return the cheapest form of a request that is still worth asking."""
    return replace(request, max_output_tokens=LEAST_OUTPUT_TOKENS)


def affordable(request: ModelRequest, held: int, *, bound: int, least: int) -> ModelRequest:
    """Return a request, which has an output limit, with the limit that a hold covers.

    Prices grow evenly from `least`, that of `at_least`, to `bound`, that of the request. All three
    are in micros.
    """
    limit = request.max_output_tokens
    if limit is None or held >= bound or bound <= least:
        return request
    share = (held - least) / (bound - least)
    covered = LEAST_OUTPUT_TOKENS + int(share * (limit - LEAST_OUTPUT_TOKENS))
    return replace(request, max_output_tokens=covered)
