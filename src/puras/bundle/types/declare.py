"""Gives a name to each object in a type, and to whatever a schema refers to.

Both languages have the same names, so a reader of one file knows the other. The first declaration
is that of the whole; what it mentions follows, in the order of mention.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from puras.bundle.types.names import Names, of_pointer, pascal
from puras.bundle.types.read import Reader
from puras.bundle.types.tree import (
    NO_DOC,
    Array,
    Constant,
    Doc,
    Named,
    Object,
    Property,
    Reference,
    Type,
    Union,
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name and what it stands for; inside, all that has properties is `Named`."""

    name: str
    type: Type
    doc: Doc


class Declarer:
    """Declares what one schema says, under names that begin with `root`."""

    def __init__(self, reader: Reader, names: Names, *, root: str) -> None:
        self._reader = reader
        self._names = names
        self._root = root
        self._by_pointer = {"#": root}
        self._waiting: deque[tuple[str, Type, Doc]] = deque()

    def declarations(self) -> Iterator[Declaration]:
        self._waiting.append((self._root, self._reader.root(), self._reader.doc_of_root()))
        while self._waiting:
            name, type_, doc = self._waiting.popleft()
            yield Declaration(name, self._body(type_, name), doc)

    def _body(self, type_: Type, name: str) -> Type:
        if not isinstance(type_, Object):
            return self._mention(type_, name)
        return replace(
            type_,
            properties=tuple(self._property(each, name) for each in type_.properties),
            rest=None if type_.rest is None else self._mention(type_.rest, f"{name}Value"),
        )

    def _property(self, member: Property, owner: str) -> Property:
        hint, type_ = owner + pascal(member.name).lstrip("_"), member.type
        if isinstance(type_, Object):
            type_ = replace(type_, doc=NO_DOC)  # it is told of the property already
        return replace(member, type=self._mention(type_, hint))

    def _mention(self, type_: Type, hint: str) -> Type:
        """Write a type as it is mentioned; what needs a declaration gets one, named by `hint`."""
        match type_:
            case Reference():
                return self._named_reference(type_)
            case Object(properties=()):
                return self._body(type_, hint)
            case Object():
                return self._declared(hint, type_, type_.doc)
            case Array():
                return self._array(type_, hint)
            case Union():
                return self._union(type_, hint)
        return type_

    def _array(self, type_: Array, hint: str) -> Array:
        return replace(
            type_,
            items=self._mention(type_.items, f"{hint}Item"),
            first=tuple(self._mention(each, f"{hint}Item") for each in type_.first),
        )

    def _union(self, type_: Union, hint: str) -> Union:
        objects = [each for each in type_.options if isinstance(each, Object) and each.properties]
        hints = [
            hint + _distinction(each) if isinstance(each, Object) and len(objects) > 1 else hint
            for each in type_.options
        ]
        return Union(tuple(map(self._mention, type_.options, hints)))

    def _declared(self, hint: str, type_: Type, doc: Doc) -> Named:
        name = self._names.claim(hint)
        self._waiting.append((name, type_, doc))
        return Named(name)

    def _named_reference(self, reference: Reference) -> Named:
        pointer = reference.pointer
        if pointer not in self._by_pointer:
            target, doc = self._reader.target(reference), self._reader.doc_of_target(reference)
            self._by_pointer[pointer] = self._declared(
                self._root + of_pointer(pointer), target, doc
            ).name
        return Named(self._by_pointer[pointer])


def _distinction(one: Object) -> str:
    """Name one of several objects by the constant that tells it from the others."""
    constants = (each.type.value for each in one.properties if isinstance(each.type, Constant))
    return next((pascal(each).lstrip("_") for each in constants if isinstance(each, str)), "Option")
