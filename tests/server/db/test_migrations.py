"""Databases of earlier versions become those of this one, with all that is in them."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from puras.server.billing import store as billing
from puras.server.db.database import Unavailable
from puras.server.db.migrate import latest, migrate_sqlite
from puras.server.db.migrate_postgres import migrate_postgres, schema_version
from puras.server.db.sqlite import connect

from ...postgres import PostgresServer
from ..support import TestDatabase, open_server
from .old_rows import (
    Rows,
    fill_postgres,
    fill_sqlite,
    read_rows,
    step_postgres,
    step_sqlite,
)

KEPT = 4
"""The version whose rows are kept. Of the versions after it, each is a stop on some way here."""
LATEST = latest("sqlite")
STOPS = sorted({KEPT, *(version for version in (LATEST - 2, LATEST - 1) if version > KEPT)})
KEY = "puras_live_Rec0rded.0123456789abcdefghijABCDEFGHIJ01"
SECRETS_KEY = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="

_CATALOGUE = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, collation_name, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1, 2
"""
_SQLITE_CATALOGUE = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
_ONE_OF_MANY = {
    "sqlite": "from puras.server.db.migrate import migrate_sqlite as migrate\n"
    "from pathlib import Path\n"
    "print(migrate(Path(sys.argv[1])))\n",
    "postgres": "from puras.server.db.migrate_postgres import migrate_postgres as migrate\n"
    "import asyncio\n"
    "print(asyncio.run(migrate(sys.argv[1])))\n",
}


@dataclass(frozen=True)
class Old:
    """One database, of either dialect, and how to bring it to earlier versions' schemas."""

    dialect: str
    place: str
    ask: Callable[[str], list[tuple[Any, ...]]]

    def fill(self, rows: Rows, *, version: int) -> None:
        if self.dialect == "sqlite":
            fill_sqlite(Path(self.place), rows, version=version)
        else:
            fill_postgres(self.place, rows, version=version)

    def step(self, *, after: int, upto: int) -> None:
        if self.dialect == "sqlite":
            step_sqlite(Path(self.place), after=after, upto=upto)
        else:
            step_postgres(self.place, after=after, upto=upto)

    async def migrate(self) -> int:
        if self.dialect == "sqlite":
            return migrate_sqlite(Path(self.place))
        return await migrate_postgres(self.place)

    def catalogue(self) -> list[tuple[Any, ...]]:
        return self.ask(_SQLITE_CATALOGUE if self.dialect == "sqlite" else _CATALOGUE)


@pytest.fixture
def make_old(tmp_path: Path, postgres: PostgresServer) -> Callable[[str], Old]:
    def make(dialect: str) -> Old:
        if dialect == "postgres":
            url = postgres.fresh()
            return Old(dialect, url, lambda query: postgres.run(query, url))
        path = tmp_path / f"data-{len(list(tmp_path.iterdir()))}" / "puras.db"
        path.parent.mkdir()
        return Old(dialect, str(path), lambda query: _ask_sqlite(path, query))

    return make


both = pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
on_postgres = pytest.mark.parametrize("dialect", ["postgres"])


@both
@pytest.mark.parametrize("stop", STOPS)
async def test_an_old_database_keeps_what_is_in_it_and_gets_the_schema_of_a_new_one(
    dialect: str, stop: int, make_old: Callable[[str], Old]
) -> None:
    rows, old, fresh = read_rows(KEPT), make_old(dialect), make_old(dialect)
    old.fill(rows, version=KEPT)
    old.step(after=KEPT, upto=stop)
    before = _said_by_jobs(old)
    assert len(before) == len(rows["events"])
    assert await old.migrate() == await fresh.migrate() == LATEST
    assert old.catalogue() == fresh.catalogue()
    assert _said_by_jobs(old) == before
    for table, kept in rows.items():
        assert old.ask(f"SELECT count(*) FROM {table}") == [(len(kept),)], table


@pytest.mark.slow
@both
async def test_a_server_goes_on_with_an_old_database(
    dialect: str, make_old: Callable[[str], Old], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_old(dialect)
    old.fill(read_rows(KEPT), version=KEPT)
    home = Path(old.place).parent if dialect == "sqlite" else tmp_path / "home"
    monkeypatch.setattr(TestDatabase, "url", None if dialect == "sqlite" else old.place)
    async with open_server(home, secrets_key=SECRETS_KEY) as server:
        client = server.client
        client.headers["Authorization"] = f"Bearer {KEY}"
        listed = (await client.get("/v1/jobs", params={"limit": 200})).json()
        assert len(listed) == 17
        done = next(job for job in listed if job["skill_name"] == "ticket")
        assert done["status"] == "succeeded"
        events = (await client.get(f"/v1/jobs/{done['id']}/events")).json()
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        again = await client.post(f"/v1/jobs/{done['id']}/replay")
        assert again.status_code == 201, again.text
        token = await client.get("/v1/skillpacks/hello-world/secrets")
        assert [secret["name"] for secret in token.json()] == ["API_TOKEN"]
        assert await server.platform.db.read(billing.audit) == []


@both
@pytest.mark.parametrize("version", [0, KEPT - 1])
async def test_of_many_processes_that_start_at_once_one_migrates(
    dialect: str, version: int, make_old: Callable[[str], Old]
) -> None:
    old, fresh = make_old(dialect), make_old(dialect)
    old.step(after=0, upto=version)
    await fresh.migrate()
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", f"import sys\n{_ONE_OF_MANY[dialect]}", old.place),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    said = [await process.communicate() for process in started]
    assert [out.decode().strip() for out, _ in said] == [str(LATEST)] * 4, said
    assert old.catalogue() == fresh.catalogue()


@on_postgres
async def test_a_script_that_waits_for_a_busy_table_lets_others_at_it_meanwhile(
    postgres: PostgresServer,
) -> None:
    url = postgres.fresh()
    step_postgres(url, after=0, upto=KEPT - 1)
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM jobs, holds")  # its lock is held until the commit
        migrating = asyncio.create_task(migrate_postgres(url))
        await _until_it_waits(postgres, url)
        worst = 0.0
        for _ in range(20):
            begun = time.monotonic()
            await asyncio.to_thread(postgres.run, "SELECT count(*) FROM jobs, holds", url)
            worst = max(worst, time.monotonic() - begun)
        assert not migrating.done()
        assert worst < 10
    assert await asyncio.wait_for(migrating, 60) == LATEST


@on_postgres
async def test_a_schema_that_is_right_asks_for_no_right_to_make_tables(
    postgres: PostgresServer,
) -> None:
    url, role = postgres.fresh(), f"server_{time.time_ns()}"
    postgres.run(f"CREATE ROLE {role} LOGIN", url)
    try:
        as_server = _as_role(url, role)
        with pytest.raises(Unavailable, match="permission denied"):
            await migrate_postgres(as_server)
        await migrate_postgres(url)
        with pytest.raises(Unavailable, match="permission denied"):
            await migrate_postgres(as_server)
        postgres.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", url)
        assert await migrate_postgres(as_server) == LATEST
        assert await schema_version(as_server) == LATEST
    finally:
        postgres.run(f"DROP OWNED BY {role}", url)
        postgres.run(f"DROP ROLE {role}", url)


def _as_role(url: str, role: str) -> str:
    return re.sub(r"//([^@/]*@)?", f"//{role}@", url, count=1)


async def _until_it_waits(postgres: PostgresServer, url: str) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
    deadline = time.monotonic() + 60
    while not await asyncio.to_thread(postgres.run, waiting, url):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _said_by_jobs(old: Old) -> list[tuple[Any, ...]]:
    return old.ask(
        "SELECT jobs.id, jobs.status, jobs.result, events.id, events.type, events.payload"
        " FROM jobs JOIN events ON events.job_id = jobs.id ORDER BY jobs.id, events.id"
    )


def _ask_sqlite(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(path)) as connection:
        return [tuple(row) for row in connection.execute(query)]
