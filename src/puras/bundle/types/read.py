"""Reads a schema of the dialect as a type tree.

`inputs` are read as a caller may give them: what has a default may be left out, a file may be given
in several ways. A `result` is read as it arrives: declared properties are there unless the author
wrote `required`, and a file is a URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from inspect import cleandoc
from typing import Any, Final, Literal, TypeAlias

from puras.bundle.dialect import FILE_TYPES, types_of
from puras.bundle.faults import Findings
from puras.bundle.places import Schema, applying
from puras.bundle.references import targets
from puras.bundle.schema import SchemaError
from puras.bundle.schema_faults import checked
from puras.bundle.types.combine import Both, either
from puras.bundle.types.tree import (
    BOOLEAN,
    FILE,
    INTEGER,
    NEVER,
    NULL,
    NUMBER,
    STRING,
    UNKNOWN,
    Array,
    Doc,
    Object,
    Property,
    Reference,
    Type,
    of_value,
    options_of,
)

Side: TypeAlias = Literal["inputs", "result"]

_SIMPLE: Final[Mapping[str, Type]] = {
    "boolean": BOOLEAN,
    "color": STRING,
    "integer": INTEGER,
    "null": NULL,
    "number": NUMBER,
    "string": STRING,
    "text": STRING,
}
_NOUNS: Final = {"image": "an image", "video": "a video", "audio": "audio", "file": "a file"}
_OF_OBJECTS: Final = frozenset(
    {"additionalProperties", "patternProperties", "properties", "required"}
)
_OF_ARRAYS: Final = frozenset({"items", "prefixItems"})
_MAX_DEFAULT: Final = 60


class Reader:
    """Reads one schema. Raises SchemaError for one that is not sound."""

    def __init__(self, schema: Mapping[str, Any], side: Side) -> None:
        findings = Findings("")
        local = checked(schema, findings)
        if local is None:
            raise SchemaError(findings.faults)
        self._schema = Schema(local, targets(local))
        self._side = side
        self._pointers = dict(_referenced(self._schema.targets))
        self._targets: dict[str, Type] = {}
        self._both = Both(self.target)

    def root(self) -> Type:
        """Return the type of the whole value, which is an object or one of several."""
        return self._both(Object(), self._content(self._schema.root))

    def target(self, reference: Reference) -> Type:
        """Return what a reference leads to."""
        pointer = reference.pointer
        if pointer not in self._targets:
            self._targets[pointer] = self._content(self._schema.targets[pointer])
        return self._targets[pointer]

    def doc_of_target(self, reference: Reference) -> Doc:
        return doc_of(self._schema.targets[reference.pointer], self._side)

    def doc_of_root(self) -> Doc:
        return doc_of(self._schema.root, self._side)

    def _type(self, node: Any) -> Type:
        pointer = self._pointers.get(id(node))
        return self._content(node) if pointer is None else Reference(pointer)

    def _content(self, node: Any) -> Type:
        if not isinstance(node, Mapping):
            return NEVER if node is False else UNKNOWN
        whole = reduce(self._both, self._parts(node))
        return self._with_rest(self._with_conditional(whole, node), node)

    def _parts(self, node: Mapping[str, Any]) -> Iterator[Type]:
        """Yield types that all hold for the same value."""
        yield self._own(node)
        if "$ref" in node:
            yield Reference(node["$ref"])
        yield from map(self._type, node.get("allOf", ()))
        for key in ("anyOf", "oneOf"):
            if key in node:
                yield either(map(self._type, node[key]))

    def _own(self, node: Mapping[str, Any]) -> Type:
        """Return what a schema says itself, without what it refers to."""
        names = types_of(node)
        if names:
            whole = either(self._named(name, node) for name in names)
        else:
            whole = either(self._implied(node)) if _implies(node) else UNKNOWN
        if self._side == "result" and FILE_TYPES.intersection(names):
            return whole  # its `enum` is of drive paths, and what arrives is a URL
        constants = [node["const"]] if "const" in node else node.get("enum")
        return self._both(either(map(of_value, constants)), whole) if constants else whole

    def _named(self, name: str, node: Mapping[str, Any]) -> Type:
        if name in FILE_TYPES:
            return FILE if self._side == "inputs" else STRING
        if name == "object":
            return self._object(node)
        return self._array(node) if name == "array" else _SIMPLE[name]

    def _implied(self, node: Mapping[str, Any]) -> Iterator[Type]:
        if _OF_OBJECTS.intersection(node):
            yield replace(self._object(node), implied=True)
        if _OF_ARRAYS.intersection(node):
            yield replace(self._array(node), implied=True)

    def _object(self, node: Mapping[str, Any]) -> Object:
        declared = node.get("properties", {})
        required = node.get("required")
        if required is None:
            required = list(declared) if self._side == "result" else []
        rest = self._rest(node)
        members = [
            self._property(name, declared.get(name), name in required, rest)
            for name in dict.fromkeys((*declared, *required))
        ]
        there = tuple(each for each in members if not _is_absent(each))
        return Object(there, rest, doc=doc_of(node, self._side))

    def _property(self, name: str, node: Any, is_required: bool, rest: Type | None) -> Property:
        if node is None:
            return Property(name, rest or UNKNOWN, is_required)
        has_default = self._side == "inputs" and any(
            "default" in each for each in applying(self._schema, [node], None, surely=True)
        )
        doc = doc_of(node, self._side, with_default=has_default)
        return Property(name, self._type(node), is_required, has_default, doc)

    def _rest(self, node: Mapping[str, Any]) -> Type | None:
        """Return the type of properties that are not named; None where nothing is said of them."""
        patterns = [self._type(child) for child in node.get("patternProperties", {}).values()]
        if "additionalProperties" in node:
            return either([*patterns, self._type(node["additionalProperties"])])
        return either(patterns) if patterns else None

    def _array(self, node: Mapping[str, Any]) -> Array:
        first = tuple(map(self._type, node.get("prefixItems", ())))
        items = self._type(node.get("items", True))
        most, least = _count(node.get("maxItems")), _count(node.get("minItems"))
        if first and most is not None and most <= len(first):
            first, items = first[:most], NEVER
        return Array(items, first, min(least or 0, len(first)))

    def _with_conditional(self, whole: Type, node: Mapping[str, Any]) -> Type:
        """Add the properties that are named only under a condition: they may be there."""
        branches = [node[key] for key in ("then", "else") if key in node]
        branches += node.get("dependentSchemas", {}).values()
        named: dict[str, list[Property]] = {}
        for option in (each for branch in branches for each in options_of(self._solid(branch))):
            for member in option.properties if isinstance(option, Object) else ():
                named.setdefault(member.name, []).append(member)
        added = {
            name: Property(name, either(each.type for each in found), doc=found[0].doc)
            for name, found in named.items()
        }
        return _each_object(whole, lambda old: _with_more(old, added))

    def _solid(self, node: Any) -> Type:
        found = self._type(node)
        return self.target(found) if isinstance(found, Reference) else found

    def _with_rest(self, whole: Type, node: Mapping[str, Any]) -> Type:
        """Apply `unevaluatedProperties`, which sees what `allOf` and its like have named."""
        if not node.get("unevaluatedProperties", False):
            return whole
        rest = self._type(node["unevaluatedProperties"])
        return _each_object(whole, lambda old: old if old.rest else replace(old, rest=rest))


def doc_of(node: Any, side: Side, *, with_default: bool = False) -> Doc:
    """Return what a schema tells of itself, a paragraph each."""
    if not isinstance(node, Mapping):
        return Doc()
    told = [node.get("description") or node.get("title"), *_notes(node, side)]
    if with_default and "default" in node:
        default = json.dumps(node["default"], ensure_ascii=False)
        told.append(f"Default: `{default}`." if len(default) <= _MAX_DEFAULT else None)
    paragraphs = tuple(cleandoc(each) for each in told if isinstance(each, str) and each.strip())
    return Doc(paragraphs, node.get("deprecated") is True)


def _notes(node: Mapping[str, Any], side: Side) -> Iterator[str]:
    for pattern in node.get("patternProperties", {}):
        yield f"Names match `{pattern}`."
    kinds = [name for name in types_of(node) if name in FILE_TYPES]
    if kinds and side == "result":
        yield f"A URL of {' or '.join(map(_NOUNS.__getitem__, kinds))}."
    elif kinds and not node.get("description"):
        yield f"{' or '.join(map(_NOUNS.__getitem__, kinds)).capitalize()}."


def _referenced(places: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the identity of each schema that is referred to, with the pointer to it."""
    for node in places.values():
        if isinstance(node, Mapping) and "$ref" in node:
            target = places[node["$ref"]]
            if isinstance(target, Mapping):
                yield id(target), node["$ref"]


def _implies(node: Mapping[str, Any]) -> bool:
    return not (_OF_OBJECTS | _OF_ARRAYS).isdisjoint(node)


def _is_absent(member: Property) -> bool:
    return member.type == NEVER and member.is_optional


def _count(value: Any) -> int | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number else None


def _with_more(old: Object, added: Mapping[str, Property]) -> Object:
    more = tuple(member for name, member in added.items() if old.find(name) is None)
    return replace(old, properties=(*old.properties, *more)) if more else old


def _each_object(whole: Type, change: Callable[[Object], Object]) -> Type:
    """Return a type with each of its alternatives changed that is an object."""
    if not any(isinstance(option, Object) for option in options_of(whole)):
        return whole
    options = (
        change(option) if isinstance(option, Object) else option for option in options_of(whole)
    )
    return either(options)
