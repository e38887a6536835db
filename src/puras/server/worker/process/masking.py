"""Hides secrets in what a run says: each exact value becomes `••••`.

Values of eight characters and more are hidden, those of several lines also line by line, for a
log has lines. Whoever cuts a text hides first: half a secret is found by nobody. What is hidden is
looked up by its first eight characters, so that a line costs the same however many secrets there
are. Standard library only: the run's own process hides what it tells of an error, the worker hides
everything again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

MASK = "••••"
LEAST_CHARACTERS = 8
_MOST_LINES = 200


class Masker:
    """Hides the values it is made with. `longest` is the size of the longest one in bytes."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        hidden = {form for value in values for form in _forms(value)}
        self._by_start: defaultdict[str, list[str]] = defaultdict(list)
        for form in sorted(hidden, key=len, reverse=True):
            self._by_start[form[:LEAST_CHARACTERS]].append(form)
        sizes = (len(form.encode("utf-8", "surrogatepass")) for form in hidden)
        self.longest = max(sizes, default=0)

    def text(self, text: str) -> str:
        if not self._by_start:
            return text
        parts, kept = [], 0
        for start, end in self._places(text):
            parts += [text[kept:start], MASK]
            kept = end
        return "".join([*parts, text[kept:]])

    def data(self, data: bytes) -> bytes:
        """Hide in bytes that are mostly UTF-8; others than the values stay as they are."""
        if not self._by_start:
            return data
        text = data.decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """Hide in every string of a JSON value, names included."""
        if not self._by_start:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(name): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where values stand in a text; of several in one place, the longest."""
        at = 0
        while at <= len(text) - LEAST_CHARACTERS:
            forms = self._by_start.get(text[at : at + LEAST_CHARACTERS], ())
            found = next((form for form in forms if text.startswith(form, at)), None)
            if found is not None:
                yield at, at + len(found)
            at += len(found or "x")


NOTHING = Masker()


def _forms(value: str) -> Iterable[str]:
    """Return a value, its lines, and the value as `repr` and JSON write it, where long enough."""
    escaped = value.encode("unicode_escape").decode("ascii")
    lines = value.splitlines()
    forms = (value, value.strip(), escaped, *(lines if len(lines) <= _MOST_LINES else ()))
    return (form for form in forms if len(form) >= LEAST_CHARACTERS)
