"""What becomes of a skill's output: undeclared properties go, declared ones must be there.

An object is pruned to its `properties` wherever the schema gives some, unless the author left it
open with `additionalProperties`, `patternProperties` or `unevaluatedProperties`. Where the author
wrote no `required`, every declared property is required.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puras.bundle.dialect import rebuilt
from puras.bundle.files import kind_of
from puras.bundle.places import MAX_VALUE_DEPTH, Node, Schema, applying, inside

_OPENING = ("additionalProperties", "patternProperties", "unevaluatedProperties")
# To require more under these would change what they say, not how much they ask for.
_QUESTIONS = frozenset({"contains", "if", "not", "propertyNames"})


def pruned(schema: Schema, value: Any) -> Any:
    """Return the value without the properties that its schema does not declare."""
    return _pruned(schema, [schema.root], value, 0)


def with_all_required(node: Any) -> Any:
    """Return a schema in which each object without a `required` requires all its properties."""
    if not isinstance(node, Mapping):
        return node
    strict = rebuilt(node, with_all_required, skip=_QUESTIONS)
    if node.get("properties") and "required" not in node:
        strict["required"] = list(node["properties"])
    return strict


def _pruned(schema: Schema, nodes: list[Any], value: Any, depth: int) -> Any:
    if not nodes or depth > MAX_VALUE_DEPTH or not isinstance(value, (Mapping, list)):
        return value
    here = applying(schema, nodes, value)
    if kind_of(here, value):
        return value
    if isinstance(value, list):
        return [
            _pruned(schema, inside(here, at), member, depth + 1) for at, member in enumerate(value)
        ]
    return {
        name: _pruned(schema, inside(here, name), member, depth + 1)
        for name, member in value.items()
        if _is_kept(here, name)
    }


def _is_kept(nodes: list[Node], name: str) -> bool:
    declaring = [node["properties"] for node in nodes if "properties" in node]
    if not declaring or any(
        node.get(key, False) is not False for node in nodes for key in _OPENING
    ):
        return True
    return any(name in properties for properties in declaring)
