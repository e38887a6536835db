"""What a call costs, before it is made: every price is known from the request. Pure."""

from __future__ import annotations

import math
from decimal import Decimal

from puras.server.media.adapt import Adapted
from puras.server.media.families import Family, Price, price_key
from puras.server.refusals import Refused
from puras.wire import MICROS_PER_USD


def cost_micros(adapted: Adapted, *, heard_seconds: float | None = None) -> int:
    """Return the price of a call, rounded up. `heard_seconds` is the length of what is transcribed.

    Raises:
        Refused: `invalid_request`, where the catalogue has no price for it.
    """
    price = adapted.family.price
    if price is None:
        raise unpriced(adapted.family)
    usd = _units(adapted, price, heard_seconds) * _usd(adapted, price)
    if adapted.request.kind != "transcript":
        usd += price.usd_per_reference * len(adapted.request.files)
        usd += price.usd_per_1k_characters * Decimal(len(adapted.request.prompt)) / 1000
    return math.ceil(usd * MICROS_PER_USD)


def unpriced(family: Family) -> Refused:
    return Refused(
        "invalid_request",
        f"`{family.slug}` has no price for this: the operator sets one in the file that "
        "PURAS_MEDIA names",
    )


def _usd(adapted: Adapted, price: Price) -> Decimal:
    if price.usd is not None:
        return price.usd
    key = price_key(adapted.used.get(price.varies or ""))
    if key not in price.values:
        raise unpriced(adapted.family)
    return price.values[key]


def _units(adapted: Adapted, price: Price, heard_seconds: float | None) -> Decimal:
    if price.per == "1k_characters":
        return Decimal(len(str(adapted.used["prompt"]))) / 1000
    if price.per in {"image", "video"}:
        return Decimal(1)
    seconds = adapted.used.get("duration") if heard_seconds is None else heard_seconds
    if seconds is None:
        raise unpriced(adapted.family)
    return Decimal(str(seconds)) / (60 if price.per == "minute" else 1)
