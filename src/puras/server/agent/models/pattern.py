"""A text that a regular expression matches: the shortest of a kind, always the same one.

Patterns in schemas are written for linear-time engines. What Python's own parser can't read of them
(classes such as `\\p{L}`) has no text here.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import Any

# The parser of `re` has no public name; its trees have been the same since Python 3.11.
_parser: Any = importlib.import_module("re._parser")

_CATEGORIES = {
    "CATEGORY_DIGIT": "1",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "a",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_WORD": "-",
}
_CANDIDATES = "a1 -_.A/:#" + "".join(map(chr, range(33, 127)))


def matching(pattern: str, *, least: int = 0) -> str | None:
    """Return a text of at least `least` characters that the pattern matches, None where none is
    found."""
    try:
        tree = _parser.parse(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern))
    except (re.error, OverflowError, RecursionError):
        return None
    text = ""
    for more in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        text = _written(tree, more)
        if len(text) >= least:
            break
    return text


def _written(tree: Iterable[tuple[Any, Any]], more: int) -> str:
    return "".join(_part(str(kind), value, more) for kind, value in tree)


def _part(kind: str, value: Any, more: int) -> str:
    if kind == "LITERAL":
        return chr(value)
    if kind == "NOT_LITERAL":
        return _outside([("LITERAL", value)])
    if kind == "IN":
        return _member([(str(name), what) for name, what in value])
    if kind == "ANY":
        return "a"
    if kind == "BRANCH":
        return _written(value[1][0], more)
    if kind in ("SUBPATTERN", "ATOMIC_GROUP"):
        return _written(value[-1] if kind == "SUBPATTERN" else value, more)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = value
        times = min(max(int(least), 1) + more, int(most))
        return _written(inner, 0) * times
    return ""


def _member(options: list[tuple[str, Any]]) -> str:
    if options[0][0] == "NEGATE":
        return _outside(options[1:])
    kind, value = options[0]
    if kind == "CATEGORY":
        return _CATEGORIES[str(value)]
    return chr(value[0] if kind == "RANGE" else value)


def _outside(options: list[tuple[str, Any]]) -> str:
    return next((text for text in _CANDIDATES if not _is_in(text, options)), "a")


def _is_in(text: str, options: list[tuple[str, Any]]) -> bool:
    return any(_is_of(text, kind, value) for kind, value in options)


def _is_of(text: str, kind: str, value: Any) -> bool:
    if kind == "LITERAL":
        return ord(text) == int(value)
    if kind == "RANGE":
        return bool(value[0] <= ord(text) <= value[1])
    name = str(value)
    within = {"DIGIT": text.isdigit(), "SPACE": text.isspace(), "WORD": text.isalnum()}
    base = name.removeprefix("CATEGORY_").removeprefix("NOT_")
    known = within.get(base, False) or (base == "WORD" and text == "_")
    return known != ("NOT_" in name)
