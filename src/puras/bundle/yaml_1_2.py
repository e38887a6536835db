"""YAML as the 1.2 core schema reads it, and only so much of it as JSON can hold.

PyYAML speaks YAML 1.1, where `on`, `no` and `9:16` are not strings. Here they are. Mapping keys are
always strings, aliases and tags are refused (they are how a small file becomes a large one), and
so are duplicate keys, infinity and NaN. Every error names its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from typing import Any

import yaml

MAX_YAML_BYTES = 256 * 1024
MAX_YAML_DEPTH = 64

_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


class YAMLFault(Exception):
    """A text that can't be read. `line` counts from 1."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def read_yaml(text: str) -> Any:
    """Read one YAML document into plain JSON values; an empty one is None.

    Raises:
        YAMLFault: the text is no YAML, or uses what is refused here.
    """
    if len(text.encode(errors="replace")) > MAX_YAML_BYTES:
        raise YAMLFault(f"the file is over {MAX_YAML_BYTES // 1024} KiB: shorten it", line=1)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YAMLFault(error.problem or str(error), line=mark.line + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise YAMLFault(" ".join(str(error).split()), line=1) from None


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused(event, "anchors and aliases are not allowed: write the value out")
        self.depth += 1
        if self.depth > MAX_YAML_DEPTH:
            raise _refused(event, f"nested deeper than {MAX_YAML_DEPTH} levels: flatten it")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _refused(place: Any, message: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=place.start_mark)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    read: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise _refused(key_node, "a key must be a plain word, not a list or a mapping")
        key = _string(loader, key_node)
        if key in read:
            raise _refused(key_node, f"`{key}` is written twice: keep one of them")
        read[key] = loader.construct_object(value_node, deep=True)
    return read


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


def _string(loader: _Loader, node: yaml.ScalarNode) -> str:
    # Two escaped halves are one character in JSON; PyYAML leaves halves, and those are no UTF-8.
    halves = str(node.value).encode("utf-16", "surrogatepass")
    return halves.decode("utf-16", "replace")


def _null(loader: _Loader, node: yaml.ScalarNode) -> None:
    return None


def _bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() == "true"


def _int(loader: _Loader, node: yaml.ScalarNode) -> int:
    base = {"0o": 8, "0x": 16}.get(node.value[:2], 10)
    try:
        return int(node.value, base)
    except ValueError:
        raise _refused(node, "that is no whole number, or one with too many digits") from None


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    try:
        number = float(node.value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _refused(node, f"JSON has no number `{node.value}`: quote it, or leave it out")
    return number


def _tagged(loader: _Loader, node: yaml.Node) -> Any:
    raise _refused(node, f"the tag `{node.tag}` is not allowed: only plain JSON values are read")


_Loader.yaml_constructors = {}
_Loader.yaml_implicit_resolvers = {}
_Loader.add_constructor(f"{_TAG}map", _mapping)
_Loader.add_constructor(f"{_TAG}seq", _sequence)
_Loader.add_constructor(f"{_TAG}str", _string)
_Loader.add_constructor(f"{_TAG}null", _null)
_Loader.add_constructor(f"{_TAG}bool", _bool)
_Loader.add_constructor(f"{_TAG}int", _int)
_Loader.add_constructor(f"{_TAG}float", _float)
_Loader.add_constructor(None, _tagged)
_Loader.add_implicit_resolver(f"{_TAG}null", _NULL, ["~", "n", "N", ""])
_Loader.add_implicit_resolver(f"{_TAG}bool", _BOOL, list("tTfF"))
_Loader.add_implicit_resolver(f"{_TAG}int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))
