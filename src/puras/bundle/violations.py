"""Wording: what `jsonschema_rs` finds, as a sentence that says what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from puras.bundle.dialect import FILE_TYPES, TYPE_NOTE
from puras.bundle.faults import did_you_mean, json_path, listed

MAX_SENTENCE = 300
MAX_ALTERNATIVES = 4

_WORDS = {
    "array": "an array",
    "audio": "an audio file",
    "color": "a color of 3 or 6 hex digits (such as `#ff8800`)",
    "image": "an image",
    "integer": "an integer",
    "null": "null",
    "object": "an object",
    "text": "a text (a string)",
}
_FILE = (
    "a URL, a data URI or a drive path, or an object with one of "
    "`drive_path`, `url`, `data`, `base64`"
)


def sentence(error: Any, schema: Any, *, is_inner: bool = False) -> str:
    """Say what is wrong. `schema` is the plain schema that the error's path leads into.

    Of an error inside of an alternative (`is_inner`) the alternatives are not told again.
    """
    noted = _noted(error.schema_path, schema)
    if noted:
        return f"must be {_expected(noted)}"
    kind = type(error.kind).__name__
    if kind in ("AnyOf", "OneOfNotValid"):
        return "fits none of its alternatives" if is_inner else _fits_none(error, schema)
    return _WORDING[kind](error) if kind in _WORDING else _shortened(error.message)


def _fits_none(error: Any, schema: Any) -> str:
    depth = len(error.instance_path)
    told = []
    for first, *_ in filter(None, error.kind.context[:MAX_ALTERNATIVES]):
        place = json_path(first.instance_path[depth:]).removeprefix("$")
        told.append(f"{place} {sentence(first, schema, is_inner=True)}")
    return _shortened(f"must fit one of several: either {' - or '.join(map(str.strip, told))}")


def _required(error: Any) -> str:
    return f"`{error.kind.property}` is missing"


def _type(error: Any) -> str:
    return f"must be {_expected(error.kind.types)}, not {_name_of(error.instance)}"


def _additional_properties(error: Any) -> str:
    return f"takes no {listed(error.kind.unexpected[:10])}: remove what is not declared"


def _enum(error: Any) -> str:
    options = [option for option in error.kind.options if isinstance(option, str)]
    hint = did_you_mean(error.instance, options) if isinstance(error.instance, str) else ""
    return _shortened(f"must be one of {_values(error.kind.options)}") + hint


# What the library's own words would serve less well.
_WORDING = {
    "AdditionalProperties": _additional_properties,
    "Enum": _enum,
    "Required": _required,
    "Type": _type,
}


def _noted(path: Iterable[str | int], schema: Any) -> list[str]:
    here: Any = schema
    for step in path:
        try:
            here = here[step]
        except (LookupError, TypeError):
            return []
        if isinstance(here, Mapping) and isinstance(here.get(TYPE_NOTE), list):
            return list(here[TYPE_NOTE])
    return []


def _expected(types: Iterable[str]) -> str:
    names = list(types)
    words = [_word(name) for name in names]
    return " or ".join(words) + (f": {_FILE}" if FILE_TYPES.intersection(names) else "")


def _word(name: str) -> str:
    return _WORDS.get(name, f"a {name}")


def _name_of(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
    }
    return "null" if value is None else names.get(type(value), "an object")


def _values(values: Iterable[Any]) -> str:
    return ", ".join(repr(value) if isinstance(value, str) else str(value) for value in values)


def _shortened(message: str) -> str:
    # The library quotes the whole value first; a data URI of megabytes helps nobody.
    if len(message) <= MAX_SENTENCE:
        return message
    half = MAX_SENTENCE // 2
    return f"{message[:half]} … {message[-half:]}"
