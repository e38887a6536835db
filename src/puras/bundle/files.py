"""Where a value holds files: the places that its schema declares as image, video, audio or file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from puras.bundle.dialect import FILE_TYPES, is_file_object, types_of
from puras.bundle.faults import Steps, json_path
from puras.bundle.places import MAX_VALUE_DEPTH, Node, Schema, applying, inside, members


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """One file in a value.

    `steps` lead to it, `kind` is `image`, `video`, `audio` or `file`, `value` is a string or an
    object with one of `drive_path`, `url`, `data`, `base64`.
    """

    steps: Steps
    kind: str
    value: Any

    @property
    def path(self) -> str:
        return json_path(self.steps)


def files_in(schema: Schema, value: Any) -> Iterator[DeclaredFile]:
    """Yield the declared files of a value in the order in which they stand."""
    return _files(schema, [schema.root], value, ())


def kind_of(nodes: list[Node], value: Any) -> str | None:
    """Return the file type that the schemas give a value, None where it is no file."""
    if not (isinstance(value, str) or is_file_object(value)):
        return None
    kinds = (name for node in nodes for name in types_of(node) if name in FILE_TYPES)
    return next(kinds, None)


def replaced(value: Any, changes: Mapping[Steps, Any]) -> Any:
    """Return a copy of a value with other things at some places."""
    return _replaced(value, changes, ()) if changes else value


def _files(schema: Schema, nodes: list[Any], value: Any, steps: Steps) -> Iterator[DeclaredFile]:
    here = applying(schema, nodes, value) if nodes and len(steps) <= MAX_VALUE_DEPTH else []
    kind = kind_of(here, value)
    if kind:
        yield DeclaredFile(steps, kind, value)
    elif here:
        for step, member in members(value):
            yield from _files(schema, inside(here, step), member, (*steps, step))


def _replaced(value: Any, changes: Mapping[Steps, Any], steps: Steps) -> Any:
    if steps in changes:
        return changes[steps]
    if not any(place[: len(steps)] == steps for place in changes):
        return value
    if isinstance(value, Mapping):
        return {key: _replaced(member, changes, (*steps, key)) for key, member in value.items()}
    return [_replaced(member, changes, (*steps, at)) for at, member in enumerate(value)]
