"""Hides secrets in what a run says: each exact value becomes `••••`.

Values of eight characters and more are hidden, those of several lines also line by line, for a
log has lines. Whoever cuts a text hides first: half a secret is found by nobody. Standard library
only: the run's own process hides what it tells of an error, the worker hides everything again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "••••"
LEAST_CHARACTERS = 8


class Masker:
    """Hides the values it is made with. `longest` is the size of the longest one in bytes."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        hidden = {form for value in values for form in _forms(value)}
        ordered = sorted(hidden, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        sizes = [len(form.encode("utf-8", "surrogatepass")) for form in ordered]
        self.longest = max(sizes, default=0)

    def text(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def data(self, data: bytes) -> bytes:
        """Hide in bytes that are mostly UTF-8; others than the values stay as they are."""
        if self._pattern is None:
            return data
        text = data.decode("utf-8", "surrogateescape")
        return self._pattern.sub(MASK, text).encode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """Hide in every string of a JSON value, names included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(name): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


NOTHING = Masker()


def _forms(value: str) -> Iterable[str]:
    """Return a value, its lines, and the value as `repr` and JSON write it, where long enough."""
    escaped = value.encode("unicode_escape").decode("ascii")
    forms = (value, *value.splitlines(), value.strip(), escaped)
    return (form for form in forms if len(form) >= LEAST_CHARACTERS)
