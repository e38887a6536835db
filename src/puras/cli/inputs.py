"""From the command line to a skill's inputs.

    -i name=Ada            a string, or JSON where the skill declares something else than a string
    -i size:=3             JSON, always
    -i photo=@photo.jpg    the file is uploaded and its drive path is passed
    -i text=@-             the same with standard input
    --json '{"a": 1}'      all inputs at once; `@file` and `@-` are read; `-i` wins over it

A file, or standard input, for an input that the skill declares as text is passed as that text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import click

How: TypeAlias = Literal["plain", "text", "json", "file"]
Schema: TypeAlias = Mapping[str, Any]

_TEXT_TYPES: Final = frozenset({"string", "text", "color"})
_PATH_TYPES: Final = frozenset({"image", "video", "audio", "file"})


@dataclass(frozen=True, slots=True)
class Given:
    """One input: its name, what was written, and how to read it; `text` is read as it is."""

    name: str
    text: str
    how: How

    @property
    def depends_on_schema(self) -> bool:
        """Whether the skill's schema can change what this means."""
        return self.how == "file" or (self.how == "plain" and looks_like_json(self.text))


def parse(argument: str) -> Given:
    """Read `name=value`, `name:=json` or `name=@file`.

    Raises:
        click.BadParameter: it is none of these.
    """
    name, equals, text = argument.partition("=")
    how: How = "plain"
    if name.endswith(":"):
        name, how = name[:-1], "json"
    elif text.startswith("@"):
        text, how = text[1:], "file"
    if not equals or not name.strip() or (how == "file" and not text):
        raise click.BadParameter(
            f"{argument!r} is no input: write name=value, name:=json or name=@file",
            param_hint="'-i'",
        )
    return Given(name.strip(), text, how)


def parse_object(text: str, *, hint: str = "'--json'") -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        click.BadParameter: it is no JSON, or no object.
    """
    value = _json(text, hint)
    if not isinstance(value, dict):
        raise click.BadParameter("it must be a JSON object: {…}", param_hint=hint)
    return value


def value(
    given: Given,
    schema: Schema,
    *,
    upload: Callable[[str], str],
    read_text: Callable[[str], str],
) -> Any:
    """Return an input's value; `schema` is the skill's `input_schema`, empty if unknown.

    `upload` takes a local path and returns a drive path, `read_text` returns a file's text.
    """
    types = declared_types(schema, given.name)
    if given.how == "json":
        return _json(given.text, f"'-i {given.name}'")
    if given.how == "file":
        wants_text = bool(types & _TEXT_TYPES) and not types & _PATH_TYPES
        return read_text(given.text) if wants_text else upload(given.text)
    is_text = given.how == "text" or bool(types & (_TEXT_TYPES | _PATH_TYPES))
    if is_text or not looks_like_json(given.text):
        return given.text
    return json.loads(given.text)


def merge(base: Mapping[str, Any], values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Put single inputs over those of `--json`; the last one of a name counts."""
    return dict(base) | dict(values)


def declared_types(schema: Schema, name: str) -> frozenset[str]:
    """Return the types that a schema declares for an input; empty where it says none."""
    properties = schema.get("properties")
    declared = properties.get(name) if isinstance(properties, Mapping) else None
    types = declared.get("type") if isinstance(declared, Mapping) else None
    if isinstance(types, str):
        return frozenset({types})
    return frozenset(types) if isinstance(types, list) else frozenset()


def looks_like_json(text: str) -> bool:
    """Tell whether a value would be read as something else than a string."""
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _json(text: str, hint: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no JSON: {error}", param_hint=hint) from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
