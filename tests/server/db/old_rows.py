"""The rows of databases as earlier versions left them: for trying on them what migrations do.

`rows/0004.json` has all rows of a server's database of schema 4, for both dialects. To keep those
of another version, run on a data folder of it, with one of everything in it:

    python -m tests.server.db.old_rows DATA_FOLDER
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier, Placeholder

from puras.server.db.migrate import missing
from puras.server.db.sqlite import connect

FOLDER = Path(__file__).parent / "rows"
_DERIVED = ("memories_search", "sqlite_", "schema_version")
Rows = dict[str, list[dict[str, Any]]]


def read_rows(version: int) -> Rows:
    """Return the rows by table, each table after those that it refers to."""
    kept: Rows = json.loads((FOLDER / f"{version:04}.json").read_text("utf-8"), object_hook=_bytes)
    return kept


def scripts(dialect: str, *, after: int, upto: int) -> list[tuple[int, str]]:
    return [each for each in missing(dialect, current=after) if each[0] <= upto]


def fill_sqlite(path: Path, rows: Rows, *, version: int) -> None:
    """Make a database of an old schema with these rows."""
    step_sqlite(path, after=0, upto=version)
    with closing(connect(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("PRAGMA defer_foreign_keys=ON")
        for table, row in _each(rows):
            names = ", ".join(f":{name}" for name in row)
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({names})", row)
        connection.execute("COMMIT")


def step_sqlite(path: Path, *, after: int, upto: int) -> None:
    """Bring a database as far as a version of that time did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(path)) as connection:
        for number, script in scripts("sqlite", after=after, upto=upto):
            connection.executescript(script)
            connection.execute(f"PRAGMA user_version={number}")


def fill_postgres(url: str, rows: Rows, *, version: int) -> None:
    step_postgres(url, after=0, upto=version)
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # the rows are whole
        for table, row in _each(rows):
            insert = SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
                Identifier(table),
                SQL(", ").join(map(Identifier, row)),
                SQL(", ").join(map(Placeholder, row)),
            )
            connection.execute(insert, row)


def step_postgres(url: str, *, after: int, upto: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        for number, script in scripts("postgres", after=after, upto=upto):
            connection.execute(script.encode())
            connection.execute("DELETE FROM schema_version")
            connection.execute("INSERT INTO schema_version VALUES (%s)", [number])


def keep_rows(database: Path) -> Path:
    """Write the rows of a SQLite database to where the tests read them; return the file."""
    with closing(connect(database)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in tables if not name.startswith(_DERIVED)]
        rows = {name: _all(connection, name) for name in names}
    file = FOLDER / f"{version:04}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(_document(rows), "utf-8")
    return file


def _document(rows: Rows) -> str:
    """Write a row a line, so that what changes can be read."""
    tables = []
    for table, all_of_it in rows.items():
        lines = ",".join(f"\n  {json.dumps(row, default=_hex)}" for row in all_of_it)
        tables.append(f' "{table}": [{lines}\n ]')
    return "{\n" + ",\n".join(tables) + "\n}\n"


def _all(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def _each(rows: Rows) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((table, row) for table, all_of_it in rows.items() for row in all_of_it)


def _hex(value: bytes) -> dict[str, str]:
    return {"hex": value.hex()}


def _bytes(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if set(value) == {"hex"} else value


if __name__ == "__main__":
    print(keep_rows(Path(sys.argv[1]) / "puras.db"))
