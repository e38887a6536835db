"""What is asked of the platform meanwhile: jobs of every kind, some of them submitted again and
again, some called off, each drawn from the seed and known by its number."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PAINT_MICROS = 2 * 3_000
FILE_BYTES = 50_000


@dataclass(frozen=True, slots=True)
class Order:
    """One job that a client wants. `ends` is how it ends undisturbed, and `costs_micros` what it
    costs then. `repeats` says how often it is submitted again with the same idempotency key."""

    n: int
    at: float
    skill: str
    ends: str = "succeeded"
    costs_micros: int = 0
    inputs: Mapping[str, Any] = field(default_factory=dict)
    takes_file: bool = False
    cancel_after: float | None = None
    repeats: int = 0


_KINDS = ("noop", "nap", "talk", "fail", "family", "copy", "paint", "draw", "called off")


def orders(seed: int, count: int, *, seconds: float) -> list[Order]:
    """Draw `count` orders that come within `seconds`, of each kind the same number."""
    dice = random.Random(seed)
    kinds = [_KINDS[n % len(_KINDS)] for n in range(count)]
    dice.shuffle(kinds)
    moments = sorted(dice.uniform(0, seconds) for _ in range(count))
    return [_order(n, moments[n], kinds[n], dice) for n in range(count)]


def _order(n: int, at: float, kind: str, dice: random.Random) -> Order:
    repeats = dice.choice([0, 0, 1, 2])
    match kind:
        case "nap":
            inputs = {"n": n, "seconds": dice.uniform(0.2, 4)}
            return Order(n, at, "nap", inputs=inputs, repeats=repeats)
        case "talk":
            inputs = {"n": n, "lines": dice.randint(50, 600)}
            return Order(n, at, "talk", inputs=inputs, repeats=repeats)
        case "fail":
            return Order(n, at, "fail", ends="failed", inputs={"n": n}, repeats=repeats)
        case "copy":
            return Order(n, at, "copy", inputs={"n": n}, takes_file=True)
        case "paint":
            return Order(n, at, "paint", costs_micros=PAINT_MICROS, inputs={"n": n})
        case "called off":
            inputs = {"n": n, "seconds": 600}
            after = dice.uniform(0, 5)
            return Order(n, at, "nap", ends="cancelled", inputs=inputs, cancel_after=after)
    return Order(n, at, kind, inputs={"n": n}, repeats=repeats)
