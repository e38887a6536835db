"""Types as annotations of Python.

What is given is as wide as it can be (`Mapping`, `Sequence`), what arrives is what JSON becomes
(`dict`, `list`). One string is a sequence of strings too: where that could be a slip, a `list` is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from puras.bundle.types.combine import either
from puras.bundle.types.layout import Brackets, Code, Pipe, flat
from puras.bundle.types.text import literal
from puras.bundle.types.tree import (
    FILE,
    STRING,
    UNKNOWN,
    Array,
    Constant,
    Named,
    Object,
    Property,
    Simple,
    Type,
    options_of,
)

_SIMPLE: Final = {
    "boolean": "bool",
    "file": "FileInput",
    "integer": "int",
    "never": "Never",
    "null": "None",
    "number": "float",
    "string": "str",
    "unknown": "Any",
}


@dataclass(frozen=True, slots=True)
class Annotations:
    """Writes types that were declared; `known` has the declarations of the same skill."""

    known: Mapping[str, Type]
    is_input: bool

    def of_member(self, member: Property) -> Code:
        code = self.of(member.type)
        return Brackets("NotRequired[", (code,), "]") if member.is_optional else code

    def of(self, type_: Type) -> Code:
        options = list(self._options(options_of(type_)))
        codes = list({flat(code): code for code in options}.values())
        return codes[0] if len(codes) == 1 else Pipe(tuple(codes))

    def _options(self, options: Iterable[Type]) -> Iterable[Code]:
        literals = [each for each in options if _is_literal(each)]
        for option in options:
            if option == next(iter(literals), None):
                yield Brackets("Literal[", tuple(map(_literal, literals)), "]")
            elif option not in literals:
                yield self._one(option)

    def _one(self, option: Type) -> Code:
        match option:
            case Simple(name):
                return _SIMPLE[name]
            case Named(name):
                return name
            case Constant():
                return "None" if option.value is None else "float"
            case Array():
                return self._list(either([*option.first, option.items]))
            case Object(rest=rest):
                kind = "Mapping[" if self.is_input else "dict["
                return Brackets(kind, ("str", self.of(rest or UNKNOWN)), "]")
        raise TypeError(f"{option} was not declared")

    def _list(self, items: Type) -> Code:
        is_wide = self.is_input and not self._takes_strings(items)
        return Brackets("Sequence[" if is_wide else "list[", (self.of(items),), "]")

    def _takes_strings(self, type_: Type) -> bool:
        return any(
            self._takes_strings(self.known[option.name])
            if isinstance(option, Named)
            else option in (STRING, FILE, UNKNOWN)
            for option in options_of(type_)
        )


def _is_literal(type_: Type) -> bool:
    return isinstance(type_, Constant) and isinstance(type_.value, (str, int))


def _literal(type_: Type) -> str:
    assert isinstance(type_, Constant)
    return literal(type_.value) if isinstance(type_.value, str) else repr(type_.value)
