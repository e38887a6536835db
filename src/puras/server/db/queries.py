"""Loads named SQL from the `.sql` files beside each store.

A file holds queries, each under a line `-- name: <name>`. Parameters are written `:name`. A file
`queries.<dialect>.sql` next to it overrides single queries where a dialect must differ, and may
have some that only it needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement; `overrides` has the text of the dialects that need their own."""

    name: str
    sql: str
    overrides: tuple[tuple[str, str], ...] = ()

    def text(self, dialect: str) -> str:
        return dict(self.overrides).get(dialect, self.sql)


class Queries:
    """The queries of one folder, as attributes: `QUERIES.claim`."""

    def __init__(self, queries: dict[str, Query]) -> None:
        self._queries = queries

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"there is no query named {name}") from None

    def __iter__(self) -> object:
        return iter(self._queries.values())


def load(module_file: str) -> Queries:
    """Load `queries.sql`, and its dialects' overrides, from the folder of a module."""
    folder = Path(module_file).parent
    base = _split(folder / "queries.sql")
    overrides: dict[str, list[tuple[str, str]]] = {name: [] for name in base}
    for path in sorted(folder.glob("queries.*.sql")):
        for name, sql in _split(path).items():
            base.setdefault(name, sql)
            overrides.setdefault(name, []).append((path.name.split(".")[1], sql))
    return Queries({name: Query(name, sql, tuple(overrides[name])) for name, sql in base.items()})


def _split(path: Path) -> dict[str, str]:
    parts = _NAME.split(path.read_text("utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path} names a query twice")
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}
