"""A value that fits a schema, always the same one: what the offline draft answers with.

A schema is given as its author wrote it, or as a model sees it, where `x-puras-type` still says
what was a file. A first guess takes everything that is declared and the first of all alternatives;
where it does not fit, others are made, each choice by a dice whose seed is fixed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from puras.bundle.dialect import FILE_TYPES
from puras.bundle.places import Schema
from puras.bundle.references import targets
from puras.bundle.schema import SchemaError, compile_schema
from puras.server.agent.models.flatten import flattened
from puras.server.agent.models.pattern import matching
from puras.server.agent.models.scalars import number, text

TakeFile = Callable[[str], str]
"""Gives a file of a kind (`image`, `video`, `audio`, `file`) as a drive path, URL or data URI; for
`path` one in the drive, for `url` an address."""

_GUESSES = 80
_DEEP = 5
_TOO_DEEP = 24


def example(schema: Mapping[str, Any], *, take_file: TakeFile, label: str = "Draft") -> Any:
    """Return a value that fits the schema; where none is found, the one that comes closest."""
    whole = Schema(schema, targets(schema))
    best: tuple[int, Any] | None = None
    for guess in range(_GUESSES):
        value = _Maker(whole, _Dice(guess), take_file, label).make(schema, "value", 0, 0)
        faults = _faults(schema, value)
        if not faults:
            return value
        if best is None or faults < best[0]:
            best = (faults, value)
    return best[1] if best else None


def _faults(schema: Mapping[str, Any], value: Any) -> int:
    try:
        return len(compile_schema(schema).violations(value))
    except SchemaError:
        return 0


class _Dice:
    """Decides what a schema leaves open: the obvious at the first guess, chance afterwards."""

    def __init__(self, guess: int) -> None:
        self._guess = guess
        self._random = random.Random(guess)

    def pick(self, count: int, index: int = 0) -> int:
        return (
            index % count if self._guess == 0 else (self._random.randrange(count) + index) % count
        )

    def takes(self, *, obvious: bool) -> bool:
        return obvious if self._guess < 2 else self._random.random() < 0.5


@dataclass(frozen=True, slots=True)
class _Maker:
    schema: Schema
    dice: _Dice
    take_file: TakeFile
    label: str

    def make(self, node: Any, name: str, index: int, depth: int) -> Any:
        """Make a value; `name` is what it is called, `index` its place where several are alike."""
        if not isinstance(node, Mapping) or depth > _TOO_DEEP:
            return self._words(name, index)
        flat = flattened(self.schema, node, self.dice.pick, self.dice.takes)
        if "const" in flat:
            return flat["const"]
        for key in ("enum", "examples"):
            if isinstance(options := flat.get(key), list) and options:
                return options[self.dice.pick(len(options), index)]
        if "default" in flat and self.dice.takes(obvious=index == 0):
            return flat["default"]
        return self._of_type(flat, name, index, depth)

    def _of_type(self, flat: Mapping[str, Any], name: str, index: int, depth: int) -> Any:
        kind = self._type(flat)
        if kind in FILE_TYPES:
            return self.take_file(kind)
        if kind == "object":
            return self._object(flat, name, depth)
        if kind == "array":
            return self._array(flat, name, depth)
        if kind in ("number", "integer"):
            return number(flat, whole=kind == "integer", index=index)
        if kind == "boolean":
            return self.dice.pick(2, index) == 0
        if kind == "null":
            return None
        if kind == "color":
            return f"#{0x808080 + index:06x}"
        if (known := _PLACES.get(name)) and not {"pattern", "format"} & flat.keys():
            return self.take_file(known)
        return text(flat, words=self._words(flat.get("title") or name, index))

    def _type(self, flat: Mapping[str, Any]) -> str:
        types = [name for name in flat.get("type", ()) if name != "null"] or flat.get("type")
        if types:
            return str(types[self.dice.pick(len(types))])
        return next((kind for key, kind in _TELLING.items() if key in flat), "string")

    def _object(self, flat: Mapping[str, Any], name: str, depth: int) -> dict[str, Any]:
        declared: dict[str, Any] = dict(flat.get("properties", {}))
        required = flat.get("required", ())
        made = {
            key: self.make(child, key, 0, depth + 1)
            for key, child in declared.items()
            if key in required or (child is not False and self._takes_optional(depth))
        }
        undeclared = [key for key in required if key not in made]
        for key in undeclared or _spare(flat, flat.get("minProperties", 0) - len(made)):
            made[key] = self.make(_rest(flat), key, 0, depth + 1)
        return made

    def _takes_optional(self, depth: int) -> bool:
        return depth < _DEEP and self.dice.takes(obvious=True)

    def _array(self, flat: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        first = list(flat.get("prefixItems", ()))
        wanted = flat.get("minItems", len(first) or (1 if depth < _DEEP else 0))
        if "contains" in flat:
            first = [*first, *[flat["contains"]] * flat.get("minContains", 1)]
        count = min(max(wanted, len(first)), flat.get("maxItems", 1 << 10))
        if flat.get("items", True) is False:
            count = min(count, len(first))
        rest = flat.get("items", True)
        nodes = [first[at] if at < len(first) else rest for at in range(count)]
        return [self.make(node, name, at, depth + 1) for at, node in enumerate(nodes)]

    def _words(self, name: str, index: int) -> str:
        words = f"{self.label}: {str(name).replace('_', ' ')}"
        return f"{words} {index + 1}" if index else words


def _spare(flat: Mapping[str, Any], count: int) -> list[str]:
    """Return names for properties that nobody named."""
    names = flat.get("propertyNames")
    pattern = names.get("pattern") if isinstance(names, Mapping) else None
    pattern = pattern or next(iter(flat.get("patternProperties", {})), None)
    found = [matching(pattern, least=at + 1) if pattern else None for at in range(count)]
    return [name or f"draft_{at + 1}" for at, name in enumerate(found)]


def _rest(flat: Mapping[str, Any]) -> Any:
    return next(iter(flat.get("patternProperties", {}).values()), flat.get("additionalProperties"))


_PLACES = {"drive_path": "path", "url": "url"}
"""What is a place by its name alone, and of which kind."""

_TELLING = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "minProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "contains": "array",
    "minimum": "number",
    "maximum": "number",
    "multipleOf": "number",
}
