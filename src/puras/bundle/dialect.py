"""The schema dialect: JSON Schema 2020-12 and six types more.

`image`, `video`, `audio` and `file` are files: a URL, a data URI or a drive path in a string, or an
object with one of `drive_path`, `url`, `data`, `base64`. `text` is a string of several lines,
`color` one of 3 or 6 hex digits with or without `#`. They may stand wherever `type` may, in type
lists too. `plain` turns a schema of the dialect into one that any JSON Schema library reads.

Subschemas are found by position, never by looks: a property that is called `type` is no type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from puras.bundle.faults import Steps

FILE_TYPES = frozenset({"image", "video", "audio", "file"})
FILE_KEYS = ("drive_path", "url", "data", "base64")
JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
DIALECT_TYPES = FILE_TYPES | {"text", "color"}

TYPE_NOTE = "x-puras-type"
"""In a plain schema, the types that a translated part stands for: errors are worded with them."""

ONE = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})

_FILE = {
    "type": ["string", "object"],
    "minLength": 1,
    "properties": {key: {"type": "string", "minLength": 1} for key in FILE_KEYS},
    "anyOf": [{"type": "string"}, *({"required": [key]} for key in FILE_KEYS)],
}
_COLOR = {"type": "string", "pattern": "^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}


def subschemas(schema: Any) -> Iterator[tuple[Steps, Any]]:
    """Yield the schemas that stand directly in a schema, each with the steps that lead to it."""
    if not isinstance(schema, Mapping):
        return
    for key, value in schema.items():
        if key in ONE:
            yield (key,), value
        elif key in MANY and isinstance(value, list):
            yield from (((key, index), item) for index, item in enumerate(value))
        elif key in NAMED and isinstance(value, Mapping):
            yield from (((key, name), item) for name, item in value.items())


def rebuilt(
    schema: Mapping[str, Any], change: Callable[[Any], Any], *, skip: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return a copy of a schema with each direct subschema changed, but for those under `skip`."""

    def rebuild(key: str, value: Any) -> Any:
        if key in skip:
            return value
        if key in ONE:
            return change(value)
        if key in MANY and isinstance(value, list):
            return [change(item) for item in value]
        if key in NAMED and isinstance(value, Mapping):
            return {name: change(item) for name, item in value.items()}
        return value

    return {key: rebuild(key, value) for key, value in schema.items()}


def types_of(schema: Any) -> list[str]:
    """Return the types a schema names, as a list."""
    named = schema.get("type", []) if isinstance(schema, Mapping) else []
    names = named if isinstance(named, list) else [named]
    return [name for name in names if isinstance(name, str)]


def is_file_object(value: Any) -> bool:
    """Tell whether a value is an object that stands for a file."""
    return isinstance(value, Mapping) and any(isinstance(value.get(key), str) for key in FILE_KEYS)


def plain(schema: Any) -> Any:
    """Translate a schema of the dialect into plain JSON Schema 2020-12."""
    if not isinstance(schema, Mapping):
        return schema
    translated = rebuilt(schema, plain)
    translated.pop(TYPE_NOTE, None)
    types = types_of(schema)
    if not DIALECT_TYPES.intersection(types):
        return translated
    del translated["type"]
    others = translated.get("allOf", [])
    return {**translated, "allOf": [*others, _any_of(types)]}


def _any_of(types: list[str]) -> dict[str, Any]:
    # It becomes one part of `allOf`, so that the author's own `maxLength` or `enum` still count.
    branches = [_plain_type(name) for name in types]
    whole = branches[0] if len(branches) == 1 else {"anyOf": branches}
    return {**whole, TYPE_NOTE: types}


def _plain_type(name: str) -> dict[str, Any]:
    if name in FILE_TYPES:
        return _FILE
    if name == "color":
        return _COLOR
    return {"type": "string"} if name == "text" else {"type": name}
