"""What a schema says of a value, as a tree: the one form that both printers read.

It is smaller than JSON Schema: lengths, ranges, patterns and conditions are left to the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

SimpleName: TypeAlias = Literal[
    "string", "number", "integer", "boolean", "null", "file", "unknown", "never"
]


@dataclass(frozen=True, slots=True)
class Simple:
    """A type without parts. `file` is what may be given for one; `never` has no values."""

    name: SimpleName


@dataclass(frozen=True, slots=True)
class Constant:
    """One value that is no array and no object, as JSON: so `1` and `true` are not equal."""

    json: str

    @property
    def value(self) -> str | int | float | bool | None:
        value: str | int | float | bool | None = json.loads(self.json)
        return value


@dataclass(frozen=True, slots=True)
class Array:
    """A list; the first items may have types of their own, `least` of them are always there.

    `implied` marks what the schema asks for only if the value is a list at all.
    """

    items: Type
    first: tuple[Type, ...] = ()
    least: int = 0
    implied: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Doc:
    """What is told of a type or property, a paragraph each."""

    paragraphs: tuple[str, ...] = ()
    deprecated: bool = False


NO_DOC: Final = Doc()


@dataclass(frozen=True, slots=True)
class Property:
    """One named member of an object. One with a default may be left out all the same."""

    name: str
    type: Type
    is_required: bool = False
    has_default: bool = False
    doc: Doc = field(default=NO_DOC, compare=False)

    @property
    def is_optional(self) -> bool:
        return self.has_default or not self.is_required


@dataclass(frozen=True, slots=True)
class Object:
    """An object: its named members, and the type of all others; None where nothing is said.

    `implied` marks what the schema asks for only if the value is an object at all.
    """

    properties: tuple[Property, ...] = ()
    rest: Type | None = None
    implied: bool = field(default=False, compare=False)
    doc: Doc = field(default=NO_DOC, compare=False)

    def find(self, name: str) -> Property | None:
        return next((each for each in self.properties if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Union:
    """One of several, in the order of the schema."""

    options: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What stands elsewhere in the same schema; `pointer` is its `$ref`."""

    pointer: str


@dataclass(frozen=True, slots=True)
class Named:
    """What has a declaration of its own."""

    name: str


Type: TypeAlias = Simple | Constant | Array | Object | Union | Reference | Named

STRING: Final = Simple("string")
NUMBER: Final = Simple("number")
INTEGER: Final = Simple("integer")
BOOLEAN: Final = Simple("boolean")
NULL: Final = Simple("null")
FILE: Final = Simple("file")
UNKNOWN: Final = Simple("unknown")
NEVER: Final = Simple("never")


def of_value(value: Any) -> Type:
    """Return the type that has this JSON value only."""
    if isinstance(value, list):
        return Array(NEVER, tuple(map(of_value, value)), len(value))
    if isinstance(value, dict):
        members = (Property(name, of_value(member), True) for name, member in value.items())
        return Object(tuple(members), NEVER)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return Constant(json.dumps(value, ensure_ascii=False))


def options_of(type_: Type) -> tuple[Type, ...]:
    """Return the alternatives of a type; a type that is no union is its only one."""
    return type_.options if isinstance(type_, Union) else (type_,)


def parts(type_: Type) -> Iterator[Type]:
    """Yield a type and all that it is made of."""
    yield type_
    match type_:
        case Object():
            inside = [each.type for each in type_.properties]
            inside += [] if type_.rest is None else [type_.rest]
        case Array():
            inside = [*type_.first, type_.items]
        case Union():
            inside = list(type_.options)
        case _:
            inside = []
    for each in inside:
        yield from parts(each)
