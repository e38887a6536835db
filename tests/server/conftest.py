"""What tests of the server share: a real database of their own, and rows to start from.

Each test that opens a database, by the fixture `db` or by `open_platform` and `open_server`, runs
on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from puras.server.clock import new_id
from puras.server.data import connected
from puras.server.db.database import Database, Row
from puras.server.db.migrate_postgres import migrate_postgres
from puras.server.db.queries import Query
from puras.server.events import store as events
from puras.server.events.store import StoredEvent
from puras.server.jobs import store as jobs
from puras.server.jobs.claim import claim
from puras.server.jobs.states import Ending, NewJob

from ..postgres import PostgresServer, emptying
from . import s3
from .support import TestDatabase, lay_out_sqlite, settings_for

_OPENS_A_DATABASE = {"open_platform", "open_server"}
_FAR_FROM_THE_DATABASE = {
    "test_auth",
    "test_http",
    "test_logs",
    "test_matrix",
    "test_payloads",
    "test_results",
    "test_serving",
    "test_submit",
    "test_tenants",
}
"""Modules that test what lies before the database: on PostgreSQL with the slow tests only."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" not in metafunc.fixturenames:
        return
    fixtures = [one[-1].func for one in metafunc._arg2fixturedefs.values()]
    fixtures = [one for one in fixtures if one.__module__ != __name__]
    if any("dialect" in mark.args for mark in metafunc.definition.iter_markers("parametrize")):
        return
    if "db" in metafunc.fixturenames or any(map(_opens, (metafunc.function, *fixtures))):
        far = Path(metafunc.definition.path).stem in _FAR_FROM_THE_DATABASE
        postgres = pytest.param("postgres", marks=[pytest.mark.slow] if far else [])
        metafunc.parametrize("dialect", ["sqlite", postgres], indirect=True)


def _opens(function: Callable[..., object]) -> bool:
    """Tell whether a function's module, or one that it takes its helpers from, opens a database."""
    seen = inspect.unwrap(function).__globals__
    helpers = {getattr(value, "__module__", None) for value in seen.values()}
    modules = [sys.modules[name].__dict__ for name in helpers if name and name.startswith("tests")]
    return any(_OPENS_A_DATABASE & names.keys() for names in (seen, *modules))


@pytest.fixture(scope="session")
def emptied_postgres(postgres: PostgresServer) -> Callable[[], str]:
    """Give the URL of a migrated database, emptied at each call."""
    url = postgres.fresh()
    asyncio.run(migrate_postgres(url))
    statement = emptying(postgres, url)

    def emptied() -> str:
        postgres.run(statement, url)
        return url

    return emptied


@pytest.fixture(autouse=True)
def dialect(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let everything that opens a database in this test open one of this dialect."""
    wanted = getattr(request, "param", "sqlite")
    if wanted == "postgres":
        TestDatabase.url = request.getfixturevalue("emptied_postgres")()
    yield wanted
    TestDatabase.url = None


@pytest.fixture
async def db(dialect: str, tmp_path: Path) -> AsyncIterator[Database]:
    settings = settings_for(tmp_path)
    if dialect == "sqlite":
        lay_out_sqlite(settings.database_path)
    async with connected(settings) as database:
        yield database


@dataclass(frozen=True)
class Seed:
    """A workspace with one deployed skill, written as plain rows."""

    db: Database

    async def workspace(self, slug: str = "acme", *, concurrency: int | None = None) -> str:
        await self.db.write(
            lambda tx: tx.run(
                Query(
                    "seed",
                    "INSERT INTO workspaces (id, slug, name, balance_micros, concurrency,"
                    " created_at) VALUES (:id, :id, :id, 100000000, :concurrency, 0)",
                ),
                id=slug,
                concurrency=concurrency,
            )
        )
        for statement in (
            "INSERT INTO skillpacks (id, workspace_id, slug, name, created_at)"
            " VALUES (:id || '-pack', :id, 'pack', 'Pack', 0)",
            "INSERT INTO deployments (id, skillpack_id, workspace_id, version, size_bytes, sha256,"
            " manifest, created_at)"
            " VALUES (:id || '-deployment', :id || '-pack', :id, 1, 1, 'sha', '{}', 0)",
        ):
            await self.db.write(lambda tx, sql=statement: tx.run(Query("seed", sql), id=slug))
        return slug

    async def job(self, workspace: str = "acme", **changes: Any) -> str:
        job = self.new_job(workspace, **changes)
        await self.db.write(lambda tx: jobs.enqueue(tx, job, now=1))
        return job.id

    def new_job(self, workspace: str = "acme", **changes: Any) -> NewJob:
        job = NewJob(
            id=new_id(),
            workspace_id=workspace,
            skillpack_id=f"{workspace}-pack",
            skillpack="pack",
            deployment_id=f"{workspace}-deployment",
            version=1,
            skill_name="echo",
            type="function",
            key_id=None,
            inputs={"n": 1},
            wide_reach=True,
            public_view=False,
        )
        return replace(job, **changes)

    async def claim(self, *, most: int = 1, worker: str = "w1", concurrency: int = 10) -> list[Row]:
        rows, _ = await self.db.write(
            lambda tx: claim(tx, worker_id=worker, concurrency=concurrency, most=most, now=1_000)
        )
        return rows

    async def get(self, job_id: str) -> Row:
        row = await self.db.read(lambda tx: jobs.get(tx, job_id))
        assert row is not None
        return row

    async def log(self, job_id: str) -> list[StoredEvent]:
        return await self.db.read(lambda tx: events.page(tx, job_id=job_id, after=0, limit=10_000))

    async def end(self, row: Row, ending: Ending) -> jobs.Changes | None:
        changes = jobs.Changes()
        ended = await self.db.write(
            lambda tx: jobs.end(
                tx,
                job_id=row["id"],
                attempt=row["attempt"],
                ending=ending,
                now=2_000,
                changes=changes,
            )
        )
        return changes if ended else None


@pytest.fixture
def seed(db: Database) -> Seed:
    return Seed(db)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with s3.s3_server() as address:
        yield address


@pytest.fixture
def bucket_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket with a prefix in it, and the environment that leads to it."""
    for name, value in s3.environment(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    return s3.make_bucket(s3_endpoint)
