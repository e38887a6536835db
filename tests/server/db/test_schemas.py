"""Both databases have the same schema, as far as it can be told from outside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from puras.server.db.migrate import latest, migrate_sqlite
from puras.server.db.sqlite import connect

from ...postgres import PostgresServer

COLUMNS = """
SELECT table_name, column_name, is_nullable = 'NO' AS required, column_default
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name NOT IN ('commits', 'schema_version')
  AND table_name NOT IN (SELECT table_name FROM information_schema.views)
"""
UNIQUES = """
SELECT tables.relname, array_agg(columns.attname::text ORDER BY columns.attname),
       indexes.indpred IS NOT NULL
FROM pg_index AS indexes
JOIN pg_class AS tables ON tables.oid = indexes.indrelid
JOIN pg_attribute AS columns
  ON columns.attrelid = tables.oid AND columns.attnum = ANY(indexes.indkey)
WHERE indexes.indisunique AND tables.relnamespace = 'public'::regnamespace
  AND tables.relname <> 'commits'
GROUP BY indexes.indexrelid, tables.relname, indexes.indpred
"""
CHECKS = """
SELECT tables.relname, count(*)
FROM pg_constraint AS checks JOIN pg_class AS tables ON tables.oid = checks.conrelid
WHERE checks.contype = 'c' AND tables.relnamespace = 'public'::regnamespace GROUP BY 1
"""
REFERENCES = """
SELECT one.relname, column_.attname::text, other.relname
FROM pg_constraint AS reference
JOIN pg_class AS one ON one.oid = reference.conrelid
JOIN pg_class AS other ON other.oid = reference.confrelid
JOIN pg_attribute AS column_
  ON column_.attrelid = one.oid AND column_.attnum = ANY(reference.conkey)
WHERE reference.contype = 'f'
"""
INDEXES = """
SELECT indexes.relname::text
FROM pg_index JOIN pg_class AS indexes ON indexes.oid = pg_index.indexrelid
WHERE indexes.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexes.oid AND contype IN ('p', 'u'))
"""


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Any]]:
    path = tmp_path_factory.mktemp("schema") / "puras.db"
    migrate_sqlite(path)

    def ask(query: str) -> list[Any]:
        with closing(connect(path)) as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        return [row for row in rows if not str(row[0]).startswith(SEARCH)]

    return ask


@pytest.fixture
def on_postgres(
    postgres: PostgresServer, emptied_postgres: Callable[[], str]
) -> Callable[[str], list[Any]]:
    return lambda query: postgres.run(query, emptied_postgres())


Ask = Callable[[str], list[Any]]
SEARCH = "memories_search"
"""What full-text search needs: tables of its own in SQLite, and an index in PostgreSQL."""


def test_both_are_of_the_same_version() -> None:
    assert latest("sqlite") == latest("postgres")


def test_both_have_the_same_tables_and_columns(sqlite: Ask, on_postgres: Ask) -> None:
    ours = {
        (table, name, bool(required or of_key), default is not None)
        for (table,) in sqlite("SELECT name FROM sqlite_master WHERE type = 'table'")
        for _, name, _, required, default, of_key in sqlite(f"PRAGMA table_info({table})")
    }
    theirs = {
        (table, name, required, default is not None)
        for table, name, required, default in on_postgres(COLUMNS)
    }
    assert ours == theirs


def test_both_keep_the_same_values_unique(sqlite: Ask, on_postgres: Ask) -> None:
    ours = {
        (table, tuple(sorted(row[2] for row in sqlite(f"PRAGMA index_info({index})"))), partial)
        for (table,) in sqlite("SELECT name FROM sqlite_master WHERE type = 'table'")
        for _, index, unique, _, partial in sqlite(f"PRAGMA index_list({table})")
        if unique
    }
    # A number that is the key by itself needs no index: it is how SQLite finds a row.
    ours |= {
        (table, (name,), 0)
        for (table,) in sqlite("SELECT name FROM sqlite_master WHERE type = 'table'")
        for _, name, kind, _, _, of_key in sqlite(f"PRAGMA table_info({table})")
        if (name, kind, of_key) == ("number", "INTEGER", 1)
    }
    theirs = {(table, tuple(names), int(partial)) for table, names, partial in on_postgres(UNIQUES)}
    assert ours == theirs


def test_both_make_as_many_checks(sqlite: Ask, on_postgres: Ask) -> None:
    ours = {
        table: sql.count("CHECK (")
        for table, sql in sqlite("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        if "CHECK (" in sql
    }
    assert ours == dict(on_postgres(CHECKS))


def test_both_refer_to_the_same_tables(sqlite: Ask, on_postgres: Ask) -> None:
    ours = {
        (table, row[3], row[2])
        for (table,) in sqlite("SELECT name FROM sqlite_master WHERE type = 'table'")
        for row in sqlite(f"PRAGMA foreign_key_list({table})")
    }
    assert ours == set(on_postgres(REFERENCES))


def test_both_have_the_same_indexes(sqlite: Ask, on_postgres: Ask) -> None:
    named = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ours = {name for (name,) in sqlite(named)}
    assert ours == {name for (name,) in on_postgres(INDEXES)} - {SEARCH}


def test_the_scripts_of_both_are_numbered_alike() -> None:
    folder = Path(migrate_sqlite.__code__.co_filename).parent / "migrations"
    names = [{path.name for path in (folder / d).glob("*.sql")} for d in ("sqlite", "postgres")]
    assert names[0] == names[1]
