"""Which schemas apply to which part of a value: the one walk behind defaults, files and results.

A walk goes down value and schema together. `applying` gives every schema that applies to a value
where it stands, `inside` those that apply to one of its members. Both never run a pattern and never
compile anything: of alternatives (`anyOf`, `oneOf`) those count that a look at types, `required`
and constants does not rule out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from puras.bundle.dialect import FILE_TYPES, types_of

MAX_VALUE_DEPTH = 128
"""How deep a value is walked, and how deep one may be."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """A sound schema: `root` with simple references, and where each of those leads."""

    root: Node
    targets: Mapping[str, Any]


def applying(
    schema: Schema, nodes: Iterable[Any], value: Any, *, surely: bool = False
) -> list[Node]:
    """Return the schemas that apply to a value in place, each once.

    `surely` leaves out alternatives and conditions: only what applies to every value remains.
    """
    found: dict[int, Node] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Mapping) or id(node) in found:
            continue
        found[id(node)] = node
        waiting.extend(_sure(schema, node))
        if not surely:
            waiting.extend(_possible(schema, node, value))
    return list(found.values())


def inside(nodes: Iterable[Node], step: str | int, *, surely: bool = False) -> list[Any]:
    """Return the schemas that apply to the member of a value at `step`."""
    if isinstance(step, str):
        return [child for node in nodes for child in _of_property(node, step, surely)]
    return [child for node in nodes for child in _of_item(node, step, surely)]


def members(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the members of an object or a list with the steps that lead to them."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _sure(schema: Schema, node: Node) -> Iterator[Any]:
    if "$ref" in node:
        yield schema.targets[node["$ref"]]
    yield from node.get("allOf", ())


def _possible(schema: Schema, node: Node, value: Any) -> Iterator[Any]:
    for key in ("anyOf", "oneOf"):
        yield from (branch for branch in node.get(key, ()) if _may_fit(schema, branch, value))
    for key in ("then", "else"):
        if key in node:
            yield node[key]
    if isinstance(value, Mapping):
        dependent = node.get("dependentSchemas", {})
        yield from (branch for name, branch in dependent.items() if name in value)


def _may_fit(schema: Schema, branch: Any, value: Any) -> bool:
    if not isinstance(branch, Mapping):
        return bool(branch)
    return all(
        _shallowly_fits(node, value) for node in applying(schema, [branch], value, surely=True)
    )


def _shallowly_fits(node: Node, value: Any) -> bool:
    types = types_of(node)
    if types and not any(_is_type(value, name) for name in types):
        return False
    if not _fits_constants(node, value):
        return False
    if not isinstance(value, Mapping):
        return True
    if any(name not in value for name in node.get("required", ())):
        return False
    return all(
        _fits_constants(child, value[name])
        for name, child in node.get("properties", {}).items()
        if name in value and isinstance(child, Mapping)
    )


def _fits_constants(node: Node, value: Any) -> bool:
    if "const" in node and node["const"] != value:
        return False
    options = node.get("enum")
    return not isinstance(options, Sequence) or value in options


def _is_type(value: Any, name: str) -> bool:
    if name in FILE_TYPES:
        return isinstance(value, (str, Mapping))
    if name in ("string", "text", "color"):
        return isinstance(value, str)
    if name in ("number", "integer"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    kinds = {"object": Mapping, "array": list, "boolean": bool, "null": type(None)}
    return isinstance(value, kinds[name])


def _of_property(node: Node, name: str, surely: bool) -> Iterator[Any]:
    declared = node.get("properties", {})
    if name in declared:
        yield declared[name]
    if surely:
        return
    # Whether a pattern matches is not asked: its schema may apply, and that is enough here.
    yield from node.get("patternProperties", {}).values()
    if name not in declared:
        yield from (node[key] for key in _REST_OF_OBJECT if key in node)


def _of_item(node: Node, index: int, surely: bool) -> Iterator[Any]:
    first = node.get("prefixItems", ())
    if index < len(first):
        yield first[index]
    elif "items" in node:
        yield node["items"]
    if not surely:
        yield from (node[key] for key in ("contains", "unevaluatedItems") if key in node)


_REST_OF_OBJECT = ("additionalProperties", "unevaluatedProperties")
