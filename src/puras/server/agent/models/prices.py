"""What tokens cost, in micros, rounded up.

An operator's own price counts first, then the price table that comes as a package (`genai-prices`,
read at the first need, since it is large). A price that is nowhere is an error: nothing is free but
the draft, and what the operator has written down as 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from puras.server.agent.models.catalog import Model
from puras.server.agent.models.providers import PROVIDERS

_MICROS = 1_000_000
_SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a turn used. `input` and `output` are all of them; those read from a cache, written to
    one, and written to be kept for an hour, are among them."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens, as far as no cache and no long prompt is involved."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float


def price(model: Model) -> Price | None:
    """Return the price of a model, None where it is not known."""
    if model.is_draft:
        return Price(0.0, 0.0)
    if model.input_usd_per_mtok is not None and model.output_usd_per_mtok is not None:
        return Price(model.input_usd_per_mtok, model.output_usd_per_mtok)
    found = _from_table(model, Tokens(_SAMPLE, _SAMPLE))
    if found is None or not all(found):
        return None
    a_million = [float(part * _MICROS / _SAMPLE) for part in found]
    return Price(*a_million)


def cost_micros(model: Model, tokens: Tokens) -> int | None:
    """Return what a turn costs, None where the model has no price."""
    known = price(model)
    if known is None:
        return None
    if model.is_draft or model.input_usd_per_mtok is not None:
        usd_per_m = (known.input_usd_per_mtok, known.output_usd_per_mtok)
        parts = zip(map(Decimal, map(str, usd_per_m)), (tokens.input, tokens.output), strict=True)
        return math.ceil(sum(per_token * count for per_token, count in parts))
    found = _from_table(model, tokens)
    return None if found is None else math.ceil(sum(found) * _MICROS)


def most_micros(model: Model, *, input_tokens: int, output_tokens: int) -> int | None:
    """Return the most that so many tokens can cost, with all of the prompt written to a cache."""
    plain = Tokens(input_tokens, output_tokens)
    cached = Tokens(
        input_tokens, output_tokens, cache_write=input_tokens, cache_write_1h=input_tokens
    )
    costs = [cost_micros(model, tokens) for tokens in (plain, cached)]
    return max((cost for cost in costs if cost is not None), default=None)


def load_table() -> None:
    """Read the price table, which takes a second at the first need."""
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


def _from_table(model: Model, tokens: Tokens) -> tuple[Decimal, Decimal] | None:
    """Return the price of input and of output in USD."""
    table = PROVIDERS[model.provider].prices
    if table is None:
        return None
    from genai_prices import Usage, calc_price  # takes tens of MB: only where it is needed

    usage = Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=tokens.cache_write_1h,
    )
    try:
        found = calc_price(usage, model.name, provider_id=table)
    except LookupError:
        return None
    return found.input_price, found.output_price
