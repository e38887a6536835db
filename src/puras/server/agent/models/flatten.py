"""One schema out of many: references, `allOf` and a choice of the alternatives, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from puras.bundle.dialect import TYPE_NOTE, types_of
from puras.bundle.places import Schema


class Pick(Protocol):
    def __call__(self, count: int, /) -> int:
        """Return one of `count` places."""


class Takes(Protocol):
    def __call__(self, *, obvious: bool) -> bool:
        """Tell whether something that may be left out is taken."""


def flattened(schema: Schema, node: Mapping[str, Any], pick: Pick, takes: Takes) -> dict[str, Any]:
    """Return the keywords that hold for a value of the node; `type` is always a list."""
    flat: dict[str, Any] = {}
    for part in _parts(schema, node, pick, takes, set()):
        for key, value in _own(part).items():
            flat[key] = _both(key, flat[key], value) if key in flat else value
    return flat


def _parts(
    schema: Schema, node: Any, pick: Pick, takes: Takes, seen: set[int]
) -> Iterator[Mapping[str, Any]]:
    if not isinstance(node, Mapping) or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    if TYPE_NOTE in node:
        return
    for child in _chosen(schema, node, pick, takes):
        yield from _parts(schema, child, pick, takes, seen)


def _chosen(schema: Schema, node: Mapping[str, Any], pick: Pick, takes: Takes) -> Iterator[Any]:
    if "$ref" in node:
        yield schema.targets.get(node["$ref"])
    yield from node.get("allOf", ())
    for key in ("anyOf", "oneOf"):
        if options := node.get(key):
            yield options[pick(len(options))]
    if "if" in node:
        if takes(obvious=True):
            yield from (node["if"], node.get("then"))
        else:
            yield node.get("else")
    if takes(obvious=True):
        yield from node.get("dependentSchemas", {}).values()


def _own(part: Mapping[str, Any]) -> dict[str, Any]:
    if TYPE_NOTE in part:
        return {"type": list(part[TYPE_NOTE])}
    own = {key: value for key, value in part.items() if key not in _STRUCTURE}
    return {**own, "type": types_of(part)} if "type" in part else own


def _both(key: str, one: Any, other: Any) -> Any:
    if key == "properties":
        shared = {name: {"allOf": [one[name], other[name]]} for name in one if name in other}
        return {**one, **other, **shared}
    if key == "required":
        return [*one, *(name for name in other if name not in one)]
    if key in ("enum", "type"):
        return [option for option in one if option in other] or one
    if key in _HIGHER:
        return max(one, other)
    if key in _LOWER:
        return min(one, other)
    if key in ("items", "contains"):
        return {"allOf": [one, other]}
    return one


_STRUCTURE = frozenset({"$ref", "$defs", "allOf", "anyOf", "oneOf", "if", "then", "else", "not"})
_HIGHER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_LOWER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
