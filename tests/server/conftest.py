"""What tests of the server share: a real database of their own, and rows to start from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.clock import new_id
from puras.server.db.database import Row
from puras.server.db.migrate import migrate_sqlite
from puras.server.db.queries import Query
from puras.server.db.sqlite import SQLiteDatabase
from puras.server.events import store as events
from puras.server.events.store import StoredEvent
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending, NewJob

from . import s3


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SQLiteDatabase]:
    migrate_sqlite(tmp_path / "puras.db")
    database = SQLiteDatabase(tmp_path / "puras.db")
    yield database
    await database.close()


@dataclass(frozen=True)
class Seed:
    """A workspace with one deployed skill, written as plain rows."""

    db: SQLiteDatabase

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
        job = replace(job, **changes)
        await self.db.write(lambda tx: jobs.enqueue(tx, job, now=1))
        return job.id

    async def claim(self, *, most: int = 1, worker: str = "w1", concurrency: int = 10) -> list[Row]:
        rows, _ = await self.db.write(
            lambda tx: jobs.claim(
                tx, worker_id=worker, concurrency=concurrency, most=most, now=1_000
            )
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
def seed(db: SQLiteDatabase) -> Seed:
    return Seed(db)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with s3.s3_server() as address:
        yield address


@pytest.fixture
def bucket_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket with a prefix in it, and the environment that leads to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET_KEY)
    monkeypatch.setenv("AWS_REGION", s3.REGION)
    bucket = f"puras-{new_id()}"
    constraint = f"<CreateBucketConfiguration><LocationConstraint>{s3.REGION}</LocationConstraint>"
    made = httpx2.put(
        f"{s3_endpoint}/{bucket}",
        content=f"{constraint}</CreateBucketConfiguration>",
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/{s3.REGION}/s3/x"},
    )
    assert made.status_code == 200, made.text
    return f"s3://{bucket}/some/prefix"
