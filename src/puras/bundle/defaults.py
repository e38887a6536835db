"""Filling in the `default`s of a schema.

A default counts where its schema applies to every value: through `properties`, `items`,
`prefixItems`, `$ref` and `allOf`, at any depth, and inside of defaults as well. It never counts
within itself, so a schema that defines itself by its own default comes to an end; filling twice
gives what filling once gave.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from puras.bundle.places import MAX_VALUE_DEPTH, Schema, applying, inside


def filled(schema: Schema, value: Any) -> Any:
    """Return the value with defaults where it has nothing; the value itself stays as it is."""
    return _filled(schema, [schema.root], value, frozenset())


def _filled(
    schema: Schema, nodes: list[Any], value: Any, above: frozenset[int], depth: int = 0
) -> Any:
    if depth > MAX_VALUE_DEPTH or not isinstance(value, (Mapping, list)):
        return value
    here = applying(schema, nodes, value, surely=True)
    above = above.union(map(id, here))

    def within(step: str | int, member: Any) -> Any:
        children = inside(here, step, surely=True)
        return _filled(schema, children, member, above, depth + 1) if children else member

    if isinstance(value, list):
        return [within(index, member) for index, member in enumerate(value)]
    whole = dict(value)
    for node in here:
        for name, child in node.get("properties", {}).items():
            found = None if name in whole else _default(schema, child, above)
            if found:
                whole[name] = copy.deepcopy(found[0])
    return {name: within(name, member) for name, member in whole.items()}


def _default(schema: Schema, child: Any, above: frozenset[int]) -> tuple[Any] | None:
    for node in applying(schema, [child], None, surely=True):
        if "default" in node and id(node) not in above:
            return (node["default"],)
    return None
