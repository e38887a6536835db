"""What a model says in one turn, whichever provider's it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Say:
    """A model's turn: a text, and calls as pairs of a tool's name and its input (a text is sent as
    it is, where a provider takes texts). `input_tokens` are all of them, `cached_tokens` included,
    and `written_tokens` of them went into a cache."""

    text: str = ""
    calls: list[tuple[str, Mapping[str, Any] | str]] = field(default_factory=list)
    input_tokens: int = 100
    output_tokens: int = 20
    cached_tokens: int = 0
    written_tokens: int = 0
    thinking: str | None = None
    stop: str | None = None


def new_id(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):08d}"


def as_text(value: Mapping[str, Any] | str) -> str:
    return value if isinstance(value, str) else json.dumps(value)
