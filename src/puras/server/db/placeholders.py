"""Turns the `:name` of our queries into the placeholders that psycopg takes.

What only looks like a parameter is left alone: casts (`::text`), strings, quoted names, comments.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""(?P<other> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: | % )
      | :(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1024)
def to_pyformat(sql: str) -> str:
    """Write `:name` as `%(name)s` and `%` as `%%`; a name may occur many times."""
    return _TOKEN.sub(_replacement, sql)


def _replacement(match: re.Match[str]) -> str:
    name: str | None = match["name"]
    return match[0].replace("%", "%%") if name is None else f"%({name})s"
