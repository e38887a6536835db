"""How much work a schema is: by itself, and to tell all that is wrong with one value.

The validator answers yes or no in time that grows with value and schema, since it remembers what it
has checked where a schema refers back to itself. Two things still multiply. References that lead
forward are checked as often as they are named, so a schema may double itself a few times but not
forty: `expansion` bounds that, once, when a schema is read. And to list what is wrong, every
alternative at every depth is tried: `is_cheap_to_explain` says whether that can be afforded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from puras.bundle.dialect import subschemas
from puras.bundle.places import Schema, inside, members

MAX_SIMPLE_EFFORT = 5_000
MAX_PAIRS = 200_000
MAX_FACTOR = 20

_IN_PLACE = frozenset({"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"})


class Circle(Exception):
    """A schema leads back to itself without going into a property or an item."""


class Expansion:
    """How often the parts of a schema are checked for one path through a value, at the most."""

    def __init__(self, targets: Mapping[str, Any]) -> None:
        self._targets = targets
        self._known: dict[int, tuple[int, Counter[Any]]] = {}
        self._open: set[int] = set()
        self._in_place: set[int] = set()

    def of(self, node: Any) -> int:
        """Return the number for a schema.

        Raises:
            Circle: the schema applies itself to the same value.
            RecursionError: its references are too many in a row.
        """
        outer, self._in_place = self._in_place, set()
        here, below = self._profile(node)
        self._in_place = outer
        return here + max(below.values(), default=0)

    def _profile(self, node: Any) -> tuple[int, Counter[Any]]:
        """Return how many schemas apply in place, and how many to each member of the value."""
        key = id(node)
        if not isinstance(node, Mapping):
            return 1, Counter()
        if key in self._in_place:
            raise Circle
        if key in self._known or key in self._open:
            return self._known.get(key, (1, Counter()))
        self._open.add(key)
        self._in_place.add(key)
        here, below = 1, Counter[Any]()
        for child in in_place(node, self._targets):
            more, deeper = self._profile(child)
            here += more
            below.update(deeper)
        self._in_place.discard(key)
        for steps, child in subschemas(node):
            if steps[0] not in _IN_PLACE and steps[0] not in ("$defs", "definitions"):
                below[steps if steps[0] in ("properties", "prefixItems") else None] += self.of(
                    child
                )
        self._open.discard(key)
        self._known[key] = here, below
        return here, below


def in_place(node: Mapping[str, Any], targets: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the schemas that a schema applies to the value itself."""
    if "$ref" in node:
        yield targets[node["$ref"]]
    for steps, child in subschemas(node):
        if steps[0] in _IN_PLACE:
            yield child


def is_cheap_to_explain(schema: Schema, value: Any) -> bool:
    """Tell whether all that is wrong with a value can be listed without trying for too long."""
    known: dict[tuple[int, int], int] = {}

    def effort(node: Any, value: Any) -> int:
        if not isinstance(node, Mapping):
            return 1
        key = id(node), id(value)
        if key not in known:
            if len(known) > MAX_PAIRS:
                raise OverflowError
            known[key] = 1
            known[key] += sum(effort(child, value) for child in in_place(node, schema.targets))
            for step, member in members(value):
                known[key] += sum(effort(child, member) for child in inside([node], step))
        return known[key]

    try:
        total = effort(schema.root, value)
    except (OverflowError, RecursionError):
        return False
    return total <= max(MAX_SIMPLE_EFFORT, MAX_FACTOR * len(known))
