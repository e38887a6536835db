from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from puras.server import admin, start
from puras.server.clock import now
from puras.server.db.migrate import SchemaTooNew, latest, migrate_sqlite
from puras.server.db.queries import Query
from puras.server.db.sqlite import SQLiteDatabase, connect
from puras.server.doctor.check import Check
from puras.server.doctor.checks import examine
from puras.server.drive.store import Drive, Origin
from puras.server.home import DataInUse, Home, secrets_keys
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.refusals import Refused
from puras.server.settings import Settings, read_settings
from puras.server.storage.disk import DiskStorage


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "data"
    home.mkdir(mode=0o700)
    return Settings(home=home)


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[SQLiteDatabase]:
    """The database of a server that has been started and holds the data folder."""
    home = Home(settings.home)
    migrate_sqlite(settings.database_path)
    secrets_keys(settings)
    db = SQLiteDatabase(settings.database_path)
    await start.prepare(db, settings=settings, now=now())
    yield db
    await db.close()
    home.close()


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


async def one_chunk(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def write_file(server: SQLiteDatabase, settings: Settings, data: bytes = b"x") -> Path:
    storage = DiskStorage(settings.files_path, incoming=settings.home / "incoming")
    workspace = (await admin.list_workspaces(settings))[0]
    drive = Drive(storage, db=server, clock=now)
    made = await drive.write(workspace.id, "a", chunks=one_chunk(data), origin=Origin())
    return settings.files_path / made.storage_name


async def test_a_workspace_is_made_beside_a_running_server(
    settings: Settings, server: SQLiteDatabase
) -> None:
    made = await admin.create_workspace(
        replace(settings, starting_credits_usd=7), slug="acme", name="Acme"
    )
    assert (made.slug, made.name, made.balance_micros) == ("acme", "Acme", 7_000_000)
    assert [one.slug for one in await admin.list_workspaces(settings)] == ["local", "acme"]
    for slug, code in (("acme", "slug_taken"), ("No!", "invalid_request")):
        with pytest.raises(Refused, match=code):
            await admin.create_workspace(settings, slug=slug)


async def test_credits_are_added_beside_a_server_that_writes(
    settings: Settings, server: SQLiteDatabase
) -> None:
    touch = Query("touch", "UPDATE workspaces SET name = name")
    balances = await asyncio.gather(
        *(admin.add_credits(settings, workspace="local", usd=0.5) for _ in range(4)),
        *(server.write(lambda tx: tx.run(touch)) for _ in range(40)),
    )
    assert max(balances[:4]) == 102_000_000
    assert (await admin.list_workspaces(settings))[0].balance_micros == 102_000_000


@pytest.mark.parametrize("usd", [0, -1, 1e-9, float("nan"), float("inf"), 1e10])
async def test_an_amount_that_makes_no_sense_is_refused(
    settings: Settings, server: SQLiteDatabase, usd: float
) -> None:
    with pytest.raises(Refused, match="invalid_request"):
        await admin.add_credits(settings, workspace="local", usd=usd)


async def test_a_made_key_is_unfenced_and_of_the_kind_asked_for(
    settings: Settings, server: SQLiteDatabase
) -> None:
    for kind in ("secret", "publishable"):
        token = tokens.parse(await admin.create_key(settings, workspace="local", kind=kind))
        assert token is not None
        found = await server.read(lambda tx, token=token: keys.find_caller(tx, token.prefix))
        assert found is not None
        assert (found.caller.kind, found.caller.workspace) == (kind, "local")
        assert found.secret_hash == token.secret_hash


async def test_an_unknown_workspace_is_refused(settings: Settings, server: SQLiteDatabase) -> None:
    with pytest.raises(Refused, match="not_found"):
        await admin.create_key(settings, workspace="nobody")
    with pytest.raises(Refused, match="not_found"):
        await admin.add_credits(settings, workspace="nobody", usd=1)


async def test_without_data_the_operator_is_told_to_start_the_server(settings: Settings) -> None:
    with pytest.raises(admin.NoData, match="puras serve"):
        await admin.list_workspaces(settings)
    assert not settings.database_path.exists()


async def test_data_of_another_version_is_left_alone(settings: Settings) -> None:
    migrate_sqlite(settings.database_path)
    for version, error in ((0, admin.SchemaTooOld), (9999, SchemaTooNew)):
        connection = connect(settings.database_path)
        connection.execute(f"PRAGMA user_version={version}")
        connection.close()
        with pytest.raises(error, match=f"schema {version}"):
            await admin.list_workspaces(settings)


async def test_an_operator_brings_old_data_to_this_version(settings: Settings) -> None:
    assert await admin.migrate(settings) == (None, latest("sqlite"))
    assert await admin.migrate(settings) == (latest("sqlite"), latest("sqlite"))
    assert await admin.check_schema(settings) == latest("sqlite")


async def test_data_is_not_migrated_under_a_running_server(
    settings: Settings, server: SQLiteDatabase
) -> None:
    with pytest.raises(DataInUse):
        await admin.migrate(settings)


async def test_the_doctor_finds_a_sound_server_sound(
    settings: Settings, server: SQLiteDatabase
) -> None:
    await write_file(server, settings)
    checks = await examine(settings)
    sound = [check for check in checks if not check.name.startswith(("isolation", "disk"))]
    assert [(check.name, check.state) for check in sound] == [
        ("data folder", "ok"),
        ("server", "ok"),
        ("secrets key", "ok"),
        ("schema", "ok"),
        ("database", "ok"),
        ("money", "ok"),
        ("secrets", "ok"),
        ("files", "ok"),
        ("jobs", "ok"),
        ("approvals", "ok"),
        ("lost runs", "ok"),
        ("event ids", "ok"),
        ("last events", "ok"),
        ("holds", "ok"),
        ("late approvals", "ok"),
        ("children", "ok"),
        ("waiting parents", "ok"),
        ("processes", "ok"),
        ("run folders", "ok"),
        ("uv", "ok"),
    ]
    assert "MiB free" in named(checks, "disk").detail
    assert [check for check in checks if check.name.startswith("isolation: ")]
    assert all(check.detail for check in checks)


async def test_the_doctor_finds_a_balance_that_is_not_its_ledger(
    settings: Settings, server: SQLiteDatabase
) -> None:
    broken = Query("broken", "UPDATE workspaces SET balance_micros = 1")
    await server.write(lambda tx: tx.run(broken))
    check = named(await examine(settings), "money")
    assert (check.state, "`local` has a balance of 1" in check.detail) == ("fail", True)


async def test_the_doctor_finds_bytes_that_are_gone(
    settings: Settings, server: SQLiteDatabase
) -> None:
    path = await write_file(server, settings)
    path.unlink()
    check = named(await examine(settings), "files")
    assert check.state == "fail"
    assert path.name in check.detail


async def test_the_doctor_names_bytes_without_a_row_once_they_are_not_fresh(
    settings: Settings, server: SQLiteDatabase
) -> None:
    path = await write_file(server, settings)
    shutil.copy(path, path.with_name("fresh"))
    assert named(await examine(settings), "files").state == "ok"
    check = named(await examine(settings, settled_seconds=-1), "files")
    assert (check.state, "1 files (1 bytes)" in check.detail) == ("warn", True)


async def test_the_doctor_finds_files_that_others_can_read(
    settings: Settings, server: SQLiteDatabase
) -> None:
    settings.home.chmod(0o755)
    (settings.home / "secrets.key").chmod(0o644)
    checks = await examine(settings)
    assert named(checks, "data folder").state == "warn"
    assert named(checks, "secrets key").state == "fail"


async def queue_a_job(db: SQLiteDatabase) -> None:
    """Queue a job `j` of the first workspace, written as plain rows."""
    for statement in (
        "INSERT INTO skillpacks (id, workspace_id, slug, name, created_at)"
        " SELECT 'p', id, 'p', 'p', 0 FROM workspaces",
        "INSERT INTO deployments (id, skillpack_id, workspace_id, version, size_bytes, sha256,"
        " manifest, created_at) SELECT 'd', 'p', id, 1, 1, 'sha', '{}', 0 FROM workspaces",
        "INSERT INTO jobs (id, workspace_id, skillpack_id, skillpack, deployment_id, version,"
        " skill_name, type, root_job_id, inputs, created_at)"
        " SELECT 'j', id, 'p', 'p', 'd', 1, 's', 'function', 'j', '{}', 0 FROM workspaces",
    ):
        await db.write(lambda tx, sql=statement: tx.run(Query("seed", sql)))


async def test_the_doctor_finds_a_job_that_waits_for_nobody(
    settings: Settings, server: SQLiteDatabase
) -> None:
    await queue_a_job(server)
    await server.write(lambda tx: tx.run(Query("park", "UPDATE jobs SET parked = 1")))
    checks = await examine(settings)
    assert "0 queued, 0 running, 1 waiting for an approval" in named(checks, "jobs").detail
    check = named(checks, "approvals")
    assert (check.state, "puras cancel j" in check.detail) == ("fail", True)


async def test_the_doctor_finds_jobs_that_no_server_runs(settings: Settings) -> None:
    migrate_sqlite(settings.database_path)
    db = SQLiteDatabase(settings.database_path)
    await start.prepare(db, settings=settings, now=now())
    await queue_a_job(db)
    await db.close()
    checks = await examine(settings)
    assert named(checks, "jobs") == Check(
        "jobs", "warn", "1 queued, 0 running, and no server runs: start one to go on with them"
    )
    assert named(checks, "files").state == "fail"


async def test_the_doctor_speaks_of_what_is_not_there(tmp_path: Path) -> None:
    checks = await examine(Settings(home=tmp_path / "nothing"))
    assert named(checks, "data folder").state == "fail"
    assert named(checks, "database").state == "fail"
    assert "puras serve" in named(checks, "database").detail
    assert not (tmp_path / "nothing").exists()


async def test_the_doctor_finds_a_damaged_database(settings: Settings) -> None:
    settings.database_path.write_bytes(b"this is no database" * 1000)
    assert named(await examine(settings), "database").state == "fail"


async def test_a_workspace_gets_a_limit_of_its_own_and_loses_it_again(
    settings: Settings, server: SQLiteDatabase
) -> None:
    limited = await admin.limit_workspace(settings, workspace="local", concurrency=3)
    assert (limited.slug, limited.concurrency) == ("local", 3)
    assert (await admin.list_workspaces(settings))[0].concurrency == 3
    lifted = await admin.limit_workspace(settings, workspace="local", concurrency=None)
    assert lifted.concurrency is None
    for workspace, concurrency, code in (
        ("local", 0, "invalid_request"),
        ("local", 10_001, "invalid_request"),
        ("nobody", 1, "not_found"),
    ):
        with pytest.raises(Refused) as refused:
            await admin.limit_workspace(settings, workspace=workspace, concurrency=concurrency)
        assert refused.value.code == code


def test_workspaces_may_run_as_much_as_the_process_unless_the_operator_says_less() -> None:
    assert read_settings({"PURAS_CONCURRENCY": "7"}).workspace_concurrency == 7
    less = {"PURAS_CONCURRENCY": "7", "PURAS_WORKSPACE_CONCURRENCY": "2"}
    assert read_settings(less).workspace_concurrency == 2
