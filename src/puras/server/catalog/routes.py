"""Which models there are, what they cost, and why one can't be used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from puras import wire
from puras.server.agent.models.access import key_missing
from puras.server.agent.models.bound import no_price
from puras.server.agent.models.catalog import Catalog, Model
from puras.server.agent.models.prices import price
from puras.server.caller import Power
from puras.server.endpoint import Call, Reply, Routes

routes = Routes("models")


@routes.get("/v1/models", returns=list[wire.Model], needs=Power.NARROW)
async def list_models(call: Call) -> Reply:
    """List the models that skills can name, and say of each whether it can be used now.

    The first usable one answers where a skill names none, unless the operator has chosen another.
    """
    # Reading the table of prices takes a moment, the first time.
    return Reply(await asyncio.to_thread(_listed, call.platform.catalog, os.environ))


def _listed(catalog: Catalog, environment: Mapping[str, str]) -> list[wire.Model]:
    return [_shown(catalog.models[slug], environment) for slug in catalog.models]


def _shown(model: Model, environment: Mapping[str, str]) -> wire.Model:
    cost = price(model)
    shown = wire.Model(
        slug=model.slug,
        provider=model.provider,
        usable=True,
        input_usd_per_mtok=cost.input_usd_per_mtok if cost else None,
        output_usd_per_mtok=cost.output_usd_per_mtok if cost else None,
        vision=model.vision,
        pdf=model.pdf,
    )
    why_not = key_missing(model, environment)
    if why_not is None and cost is None and not model.stands_for_many:
        why_not = no_price(model)
    return shown if why_not is None else {**shown, "usable": False, "why_not": why_not}
