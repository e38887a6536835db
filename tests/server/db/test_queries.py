from __future__ import annotations

from pathlib import Path

import pytest

import puras.server
from puras.server.db.placeholders import to_pyformat
from puras.server.db.queries import load

from ...postgres import PostgresServer
from ..support import ON_POSTGRES, TestDatabase


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / "store.py")


def test_a_dialect_overrides_single_queries_and_may_have_its_own(tmp_path: Path) -> None:
    write(tmp_path, "queries.sql", "-- name: a\nSELECT 1;\n-- name: b\nSELECT 2;\n")
    module = write(tmp_path, "queries.postgres.sql", "-- name: b\nSELECT 3;\n-- name: c\nSELECT 4;")
    queries = load(module)
    assert [queries.a.text("postgres"), queries.b.text("postgres")] == ["SELECT 1", "SELECT 3"]
    assert [queries.b.text("sqlite"), queries.c.text("postgres")] == ["SELECT 2", "SELECT 4"]


def test_a_name_is_given_once(tmp_path: Path) -> None:
    module = write(tmp_path, "queries.sql", "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")
    with pytest.raises(ValueError, match="twice"):
        load(module)
    with pytest.raises(AttributeError, match="no query named"):
        _ = load(write(tmp_path, "queries.sql", "-- name: a\nSELECT 1;\n")).b


FOLDERS = sorted({path.parent for path in Path(puras.server.__path__[0]).rglob("queries.sql")})
ON_SQLITE_ALONE = {"quick_check"}


@ON_POSTGRES
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_query_is_one_that_postgresql_understands(
    folder: Path, dialect: str, postgres: PostgresServer
) -> None:
    assert TestDatabase.url is not None
    for query in load(str(folder / "store.py")):
        if query.name not in ON_SQLITE_ALONE:
            postgres.understand(to_pyformat(query.text(dialect)), TestDatabase.url)
