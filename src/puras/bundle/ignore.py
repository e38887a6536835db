"""Which files stay out of a bundle: a small, documented part of `.gitignore`'s language.

    # a comment            *  any characters but /       ?  one character but /
    name    at any depth   a/b, /name  from the root     **  any folders
    name/   folders only   !name  takes back what an earlier line left out

The last line that matches decides. What lies in a folder that is left out is out with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

IGNORE_FILE: Final = ".purasignore"

ALWAYS_LEFT_OUT: Final = (
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    "env",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".idea",
    ".vscode",
    "dist",
    "build",
    ".next",
    ".DS_Store",
    ".env",
    ".env.*",
    "*.pyc",
    "*.pyo",
    "*.log",
    IGNORE_FILE,
)
"""What never belongs into a bundle; a `!` line of `.purasignore` can take one back."""


@dataclass(frozen=True, slots=True)
class Line:
    """One pattern: it leaves out, or takes back, what `expression` matches as a whole."""

    expression: re.Pattern[str]
    leaves_out: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Ignore:
    lines: tuple[Line, ...]

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Tell whether a `/`-separated path, relative to the root, stays out of the bundle."""
        for line in reversed(self.lines):
            if (is_folder or not line.folders_only) and line.expression.fullmatch(path):
                return line.leaves_out
        return False


def parse_ignore(text: str) -> Ignore:
    """Read a `.purasignore`; what is always left out comes first."""
    written = (line for line in map(str.strip, text.splitlines()) if line and line[0] != "#")
    return Ignore(tuple(_lines((*ALWAYS_LEFT_OUT, *written))))


def _lines(patterns: Iterable[str]) -> Iterable[Line]:
    for pattern in patterns:
        body = pattern.removeprefix("!").removeprefix("\\")
        folders_only = body.endswith("/")
        yield Line(_expression(body.rstrip("/")), not pattern.startswith("!"), folders_only)


def _expression(pattern: str) -> re.Pattern[str]:
    # A pattern with a slash inside counts from the root, one without counts at any depth.
    anchored = "/" in pattern
    segments = [segment for segment in pattern.split("/") if segment]
    # `**/**` is `**`, and many of them in a row would only make matching slow.
    kept = [s for at, s in enumerate(segments) if s != "**" or segments[at - 1 : at] != ["**"]]
    body = "".join(_segment(kept, at) for at in range(len(kept)))
    return re.compile(body if anchored else f"(?:.*/)?{body}", re.DOTALL)


def _segment(segments: list[str], at: int) -> str:
    segment, is_last = segments[at], at == len(segments) - 1
    if segment == "**":
        return ".+" if is_last else "(?:[^/]+/)*"
    stars = re.sub(r"\*+", "*", segment)
    words = {"*": "[^/]*", "?": "[^/]"}
    body = "".join(words.get(character, re.escape(character)) for character in stars)
    return body if is_last else f"{body}/"
