"""Either of two types, and both at once.

What is both of two types can be hard to say. Each of the two alone is then a good answer: it lets
through more, never less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import zip_longest
from typing import Final, TypeAlias

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
    Constant,
    Object,
    Property,
    Reference,
    Simple,
    Type,
    Union,
    options_of,
)

MAX_OBJECTS: Final = 16
"""How many objects the alternatives of two types may multiply into."""

Resolve: TypeAlias = Callable[[Reference], Type]
"""Returns what a reference leads to; never ends in a circle."""

_WIDER: Final[dict[Type, frozenset[Type]]] = {
    INTEGER: frozenset({NUMBER}),
    STRING: frozenset({FILE}),
}


def either(types: Iterable[Type]) -> Type:
    """Return the union of types, without those that another one includes."""
    options = list(dict.fromkeys(option for each in types for option in options_of(each)))
    if UNKNOWN in options:
        return UNKNOWN
    kept = [option for option in options if option != NEVER and not _is_included(option, options)]
    if not kept:
        return NEVER
    return kept[0] if len(kept) == 1 else Union(tuple(kept))


def both(one: Type, other: Type, *, resolve: Resolve) -> Type:
    """Return a type of all values that are of both types, and as few more as can be said."""
    if one == other:
        return other if isinstance(one, (Object, Array)) and one.implied else one
    if UNKNOWN in (one, other):
        return one if other == UNKNOWN else other
    if isinstance(one, Union) or isinstance(other, Union):
        return _distributed(one, other, resolve)
    if isinstance(one, Reference):
        target = resolve(one)
        return _named(one, target, both(target, other, resolve=resolve))
    if isinstance(other, Reference):
        target = resolve(other)
        return _named(other, target, both(one, target, resolve=resolve))
    return _narrowed(one, other, resolve)


def kind_of(constant: Constant) -> Simple:
    """Return the narrowest simple type that a constant is of."""
    match constant.value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case str():
            return STRING
        case int():
            return INTEGER
    return NUMBER


def _is_included(one: Type, options: list[Type]) -> bool:
    kind = kind_of(one) if isinstance(one, Constant) else one
    wider = _WIDER.get(kind, frozenset()) | ({kind} if kind != one else set())
    return not wider.isdisjoint(options)


def _distributed(one: Type, other: Type, resolve: Resolve) -> Type:
    pairs = ((left, right) for left in options_of(one) for right in options_of(other))
    result = either(both(left, right, resolve=resolve) for left, right in pairs)
    objects = [option for option in options_of(result) if isinstance(option, Object)]
    multiplies = isinstance(one, Union) and isinstance(other, Union)
    return one if multiplies and len(objects) > MAX_OBJECTS else result


def _named(reference: Reference, target: Type, result: Type) -> Type:
    """Leave the reference, and so the name, in place where nothing was added to its target."""
    return reference if result == target else result


def _narrowed(one: Type, other: Type, resolve: Resolve) -> Type:
    match one, other:
        case Object(), Object():
            return _merged(one, other, resolve)
        case Array(), Array():
            return _zipped(one, other, resolve)
        case ((Object(implied=True) | Array(implied=True)), _):
            return other
        case _, (Object(implied=True) | Array(implied=True)):
            return one
        case Constant(), Simple():
            return one if _is_included(one, [other]) else NEVER
        case Simple(), Constant():
            return _narrowed(other, one, resolve)
    return _narrower_of(one, other)


def _narrower_of(one: Type, other: Type) -> Type:
    for narrow, wide in ((one, other), (other, one)):
        if wide in _WIDER.get(narrow, ()) or (isinstance(narrow, Object) and wide == FILE):
            return narrow
    return NEVER


def _merged(one: Object, other: Object, resolve: Resolve) -> Object:
    names = dict.fromkeys(each.name for each in (*one.properties, *other.properties))
    members = (_member(name, one, other, resolve) for name in names)
    return Object(
        tuple(each for each in members if each.type != NEVER or not each.is_optional),
        _rest(one.rest, other.rest, resolve),
        one.implied and other.implied,
        one.doc if one.doc.paragraphs else other.doc,
    )


def _rest(one: Type | None, other: Type | None, resolve: Resolve) -> Type | None:
    if one is None or other is None:
        return other if one is None else one
    return both(one, other, resolve=resolve)


def _member(name: str, one: Object, other: Object, resolve: Resolve) -> Property:
    here, there = one.find(name), other.find(name)
    if here is None or there is None:
        found, rest = (here, other.rest) if here is not None else (there, one.rest)
        assert found is not None
        return replace(found, type=both(found.type, rest or UNKNOWN, resolve=resolve))
    return Property(
        name,
        both(here.type, there.type, resolve=resolve),
        here.is_required or there.is_required,
        here.has_default or there.has_default,
        here.doc if here.doc.paragraphs else there.doc,
    )


def _zipped(one: Array, other: Array, resolve: Resolve) -> Array:
    pairs = zip_longest(one.first, other.first)
    return Array(
        both(one.items, other.items, resolve=resolve),
        tuple(
            both(left or one.items, right or other.items, resolve=resolve) for left, right in pairs
        ),
        max(one.least, other.least),
        one.implied and other.implied,
    )
