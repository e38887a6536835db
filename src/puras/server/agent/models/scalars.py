"""Texts and numbers within the limits that a schema sets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from puras.server.agent.models.pattern import matching

_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "draft@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://draft.example/",
    "uri-reference": "https://draft.example/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def text(flat: Mapping[str, Any], *, words: str) -> str:
    """Return a text: of the format, or what the patterns match, or the words made to fit."""
    least, most = flat.get("minLength", 0), flat.get("maxLength")
    if "pattern" in flat and (found := matching(flat["pattern"], least=least)) is not None:
        return found
    made = _FORMATS.get(flat.get("format", ""), words)
    while len(made) < least:
        made += " draft"
    return made if most is None else made[: max(most, 0)].rstrip() or made[: max(most, 0)]


def number(flat: Mapping[str, Any], *, whole: bool, index: int = 0) -> int | float:
    """Return the number nearest to 1 within the limits, or the `index`-th after it."""
    low = max(_limits(flat, "minimum", "exclusiveMinimum", _NUDGE), default=None)
    high = min(_limits(flat, "maximum", "exclusiveMaximum", -_NUDGE), default=None)
    step = _step(flat, whole=whole)
    value = Fraction(1) if low is None else max(low, Fraction(1))
    value = value if high is None else min(value, high)
    if step is not None:
        value = math.ceil(value / step) * step
        value = value if high is None or value <= high else math.floor(high / step) * step
    later = value + index * (step or 1)
    value = later if high is None or later <= high else value
    return int(value) if value.denominator == 1 else float(value)


def _limits(
    flat: Mapping[str, Any], closed: str, opened: str, nudge: Fraction
) -> Iterator[Fraction]:
    if closed in flat:
        yield Fraction(str(flat[closed]))
    if opened in flat:
        yield Fraction(str(flat[opened])) + nudge


def _step(flat: Mapping[str, Any], *, whole: bool) -> Fraction | None:
    if "multipleOf" not in flat:
        return Fraction(1) if whole else None
    step = Fraction(str(flat["multipleOf"]))
    return step * step.denominator if whole else step


# How far inside of an exclusive limit a number has to stay.
_NUDGE = Fraction(1, 1_000_000)
