"""Either of two types, and both at once.

What is both of two types can take long to say, or never end. Then an object with the properties of
both, all of them optional, is a good answer: it lets through more, never less. So the work is
bounded, whatever the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import zip_longest
from typing import Final

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

MAX_EFFORT: Final = 50_000
"""How many pairs of types are looked at for one schema."""

_WIDER: Final[dict[Type, frozenset[Type]]] = {
    INTEGER: frozenset({NUMBER}),
    STRING: frozenset({FILE}),
}


def either(types: Iterable[Type]) -> Type:
    """Return the union of types, without those that another one includes."""
    options = list(dict.fromkeys(option for each in types for option in options_of(each)))
    if UNKNOWN in options:
        return UNKNOWN
    present = frozenset(options)
    kept = [option for option in options if option != NEVER and not _is_included(option, present)]
    if not kept:
        return NEVER
    return kept[0] if len(kept) == 1 else Union(tuple(kept))


class Both:
    """Finds what is of two types at once.

    `resolve` returns what a reference leads to. That may lead on, but never back to itself without
    going into a property or an item.
    """

    def __init__(self, resolve: Callable[[Reference], Type]) -> None:
        self._resolve = resolve
        self._open: set[tuple[Type, Type]] = set()
        self._effort = 0

    def __call__(self, one: Type, other: Type) -> Type:
        """Return a type of all values that are of both types, and as few more as can be said."""
        self._effort += 1
        if one == other:
            return other if isinstance(one, (Object, Array)) and one.implied else one
        if UNKNOWN in (one, other):
            return one if other == UNKNOWN else other
        if self._effort > MAX_EFFORT:
            return self._roughly(one, other)
        if isinstance(one, Union) or isinstance(other, Union):
            return self._distributed(one, other)
        if isinstance(one, Reference) or isinstance(other, Reference):
            return self._resolved(one, other)
        return self._narrowed(one, other)

    def _distributed(self, one: Type, other: Type) -> Type:
        pairs = ((left, right) for left in options_of(one) for right in options_of(other))
        result = either(self(left, right) for left, right in pairs)
        objects = [option for option in options_of(result) if isinstance(option, Object)]
        multiplies = isinstance(one, Union) and isinstance(other, Union)
        return self._roughly(one, other) if multiplies and len(objects) > MAX_OBJECTS else result

    def _resolved(self, one: Type, other: Type) -> Type:
        if (one, other) in self._open:
            return self._roughly(one, other)  # both lead back to themselves, side by side
        self._open.add((one, other))
        here, there = self._solid(one), self._solid(other)
        result = self(here, there)
        self._open.discard((one, other))
        # Where nothing was added to the target of a reference, the reference and its name stay.
        for given, target in ((one, here), (other, there)):
            if isinstance(given, Reference) and result == target:
                return given
        return result

    def _solid(self, type_: Type) -> Type:
        return self._resolve(type_) if isinstance(type_, Reference) else type_

    def _roughly(self, one: Type, other: Type) -> Type:
        options = (*options_of(self._solid(one)), *options_of(self._solid(other)))
        objects = [option for option in options if isinstance(option, Object)]
        return _joined(objects) if len(objects) == len(options) else UNKNOWN

    def _narrowed(self, one: Type, other: Type) -> Type:
        match one, other:
            case Object(), Object():
                return self._merged(one, other)
            case Array(), Array():
                return self._zipped(one, other)
            case ((Object(implied=True) | Array(implied=True)), _):
                return other
            case _, (Object(implied=True) | Array(implied=True)):
                return one
            case Constant(), Simple():
                return one if _is_included(one, {other}) else NEVER
            case Simple(), Constant():
                return self._narrowed(other, one)
        return _narrower_of(one, other)

    def _merged(self, one: Object, other: Object) -> Object:
        here = {each.name: each for each in one.properties}
        there = {each.name: each for each in other.properties}
        members = [
            self._member(here[name], there[name])
            if name in here and name in there
            else self._alone(here[name], other)
            if name in here
            else self._alone(there[name], one)
            for name in {**here, **there}
        ]
        return Object(
            tuple(each for each in members if each.type != NEVER or not each.is_optional),
            self._rest(one.rest, other.rest),
            one.implied and other.implied,
            one.doc if one.doc.paragraphs else other.doc,
        )

    def _member(self, here: Property, there: Property) -> Property:
        return Property(
            here.name,
            self(here.type, there.type),
            here.is_required or there.is_required,
            here.has_default or there.has_default,
            here.doc if here.doc.paragraphs else there.doc,
        )

    def _alone(self, member: Property, other: Object) -> Property:
        """Return a member that the other object does not name, but may have something to say of."""
        return replace(member, type=self(member.type, other.rest or UNKNOWN))

    def _rest(self, one: Type | None, other: Type | None) -> Type | None:
        if one is None or other is None:
            return other if one is None else one
        return self(one, other)

    def _zipped(self, one: Array, other: Array) -> Array:
        pairs = zip_longest(one.first, other.first)
        return Array(
            self(one.items, other.items),
            tuple(self(left or one.items, right or other.items) for left, right in pairs),
            max(one.least, other.least),
            one.implied and other.implied,
        )


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


def _is_included(one: Type, others: AbstractSet[Type]) -> bool:
    kind = kind_of(one) if isinstance(one, Constant) else one
    wider = _WIDER.get(kind, frozenset()) | ({kind} if kind != one else set())
    return not wider.isdisjoint(others)


def _narrower_of(one: Type, other: Type) -> Type:
    for narrow, wide in ((one, other), (other, one)):
        if wide in _WIDER.get(narrow, ()) or (isinstance(narrow, Object) and wide == FILE):
            return narrow
    return NEVER


def _joined(objects: Iterable[Object]) -> Object:
    """Return an object that may have whatever one of these has."""
    named: dict[str, list[Property]] = {}
    rests = set()
    for each in objects:
        rests.add(each.rest)
        for member in each.properties:
            named.setdefault(member.name, []).append(member)
    members = (
        Property(name, either(each.type for each in found), doc=found[0].doc)
        for name, found in named.items()
    )
    return Object(tuple(members), None if rests <= {None, NEVER} else UNKNOWN)
