"""Texts of an author in somebody's source code: they can't end where they stand, nor hide there."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Final

_HIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # control characters, but for newline and tab
    r"|[\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"  # invisible, or turning the direction
    r"|[\ud800-\udfff]"  # lone surrogates, which no encoding has
)


def visible(text: str) -> str:
    """Write characters that nobody sees as their numbers."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def quoted(text: str) -> str:
    """Write a string literal that means the same in JSON, TypeScript and Python."""
    return visible(json.dumps(text, ensure_ascii=False))


def literal(text: str) -> str:
    """Write a string of Python: in single quotes where that takes fewer backslashes."""
    written = quoted(text)
    if text.count('"') <= text.count("'"):
        return written
    return "'" + written[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def comment_lines(paragraphs: tuple[str, ...], *, width: int) -> list[str]:
    """Return the lines of a comment, with an empty one between paragraphs; long ones are broken."""
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [""] if lines else []
        lines += _lines(paragraph, width)
    return lines


def _lines(paragraph: str, width: int) -> Iterator[str]:
    for line in paragraph.splitlines():
        shown = visible(line.expandtabs(4).rstrip())
        if len(shown) <= width:
            yield shown
        else:
            yield from textwrap.wrap(shown, width, break_long_words=False, break_on_hyphens=False)
