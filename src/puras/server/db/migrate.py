"""Brings a database to the schema of this code: numbered files, forward only, each once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from puras.server.db.sqlite import connect, telling

_FOLDER = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):
    """The database was written by a newer version of Puras than this one."""


def migrate_sqlite(path: Path) -> int:
    """Apply what is missing, in one transaction, and return the schema's version.

    Raises:
        SchemaTooNew: the file's schema is newer than this code knows.
        Unavailable: the file can't be used now.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(path)) as connection, telling(path):
        connection.execute("BEGIN IMMEDIATE")
        version = _apply(connection)
        connection.execute("COMMIT")
        return version


def latest(dialect: str) -> int:
    """Return the schema version that this code is written for."""
    return max(number for number, _ in _files(dialect))


def missing(dialect: str, *, current: int) -> list[tuple[int, str]]:
    """Return the scripts, with their numbers, that bring a schema to this code's.

    Raises:
        SchemaTooNew: the schema is newer than this code knows.
    """
    if current > latest(dialect):
        raise SchemaTooNew(
            f"the database has schema {current}, this version of Puras knows {latest(dialect)}: "
            "start the newer version again, or restore a backup made before the upgrade"
        )
    return [
        (number, path.read_text("utf-8")) for number, path in _files(dialect) if number > current
    ]


def _apply(connection: sqlite3.Connection) -> int:
    current = int(connection.execute("PRAGMA user_version").fetchone()[0])
    for number, script in missing("sqlite", current=current):
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={number}")
    return latest("sqlite")


def _files(dialect: str) -> list[tuple[int, Path]]:
    return sorted((int(path.name[:4]), path) for path in (_FOLDER / dialect).glob("[0-9]*.sql"))


def _statements(script: str) -> list[str]:
    """Split a script at the semicolons that end a statement, also inside of triggers."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    if pending.strip():
        statements.append(pending)
    return statements
