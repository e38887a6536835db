"""The doctor names each thing that a crash could leave wrong, and mends what can be mended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from puras.server.billing import holds
from puras.server.clock import now
from puras.server.db.database import Database
from puras.server.db.queries import Query
from puras.server.doctor.check import Check
from puras.server.doctor.checks import examine
from puras.server.doctor.mend import mend
from puras.server.doctor.rows import RULES
from puras.server.jobs import store as jobs
from puras.server.jobs.states import Ending
from puras.server.settings import Settings
from puras.server.worker.process.processes import MARK, data_mark

from .conftest import Seed
from .support import settings_for

DONE = Ending("succeeded", result="{}", outputs="[]")
OF_ROWS = {rule.name for rule in RULES} | {"money", "files", "processes", "run folders"}
TWICE = (
    "INSERT INTO events (job_id, id, ts, type, payload)"
    """ VALUES (:id, 4, 1, 'status', '{"status": "failed"}')""",
    "UPDATE jobs SET last_event_id = 4 WHERE id = :id",
)
OVER = (
    "UPDATE jobs SET status = 'succeeded', finished_at = 1, worker_id = NULL, lease_until = NULL"
    " WHERE id = :id"
)
ASKED = (
    "INSERT INTO approvals (id, job_id, workspace_id, tool_call_id, step, tool_name, tool_input,"
    " created_at, expires_at) VALUES ('a', :id, 'acme', 'c', 1, 't', '{}', 1, 2)",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


async def wrong(settings: Settings) -> dict[str, Check]:
    """What the doctor finds wrong, of what crashes could leave so."""
    checks = await examine(settings)
    return {check.name: check for check in checks if check.name in OF_ROWS and check.state != "ok"}


async def alter(db: Database, *statements: str, **values: object) -> None:
    for sql in statements:
        await db.write(lambda tx, sql=sql: tx.run(Query("test", sql), **values))


async def running(seed: Seed, *, lease_until: int) -> str:
    job_id = await seed.job()
    await seed.claim()
    await alter(
        seed.db, "UPDATE jobs SET lease_until = :until WHERE id = :id", id=job_id, until=lease_until
    )
    return job_id


async def over(seed: Seed) -> str:
    """A job that ended as it should."""
    job_id = await seed.job()
    (row,) = await seed.claim()
    await seed.end(row, DONE)
    return job_id


async def test_data_in_order_gets_no_finding(seed: Seed, db: Database, settings: Settings) -> None:
    await seed.workspace()
    await alter(db, "UPDATE workspaces SET balance_micros = 0")
    await over(seed)
    await running(seed, lease_until=now() + 60_000_000)
    await seed.job()
    assert set(await wrong(settings)) == {"files"}  # the seed's deployment has a row and no bytes


async def test_a_run_whose_worker_is_gone_is_named_and_queued_again(
    seed: Seed, settings: Settings
) -> None:
    await seed.workspace()
    job_id = await running(seed, lease_until=1)
    found = (await wrong(settings))["lost runs"]
    assert found.state == "fail"
    assert found.mendable
    assert job_id in found.detail
    assert "start one" in found.detail
    assert "lost runs: 1 job" in await mend(settings)
    assert (await seed.get(job_id))["status"] == "queued"
    assert "lost runs" not in await wrong(settings)


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("event ids", ("DELETE FROM events WHERE job_id = :id AND id = 2",)),
        ("event ids", ("UPDATE jobs SET last_event_id = 9 WHERE id = :id",)),
        ("last events", TWICE),
        (
            "last events",
            ("UPDATE events SET type = 'log' WHERE job_id = :id AND id = 3",),
        ),
    ],
)
async def test_a_log_that_is_not_whole_is_named_and_left_as_it_is(
    seed: Seed, db: Database, settings: Settings, name: str, statements: tuple[str, ...]
) -> None:
    await seed.workspace()
    job_id, other = await over(seed), await over(seed)
    await alter(db, *statements, id=job_id)
    found = (await wrong(settings))[name]
    assert (found.state, found.mendable) == ("fail", False)
    assert job_id in found.detail
    assert other not in found.detail
    await mend(settings)
    assert name in await wrong(settings)


async def test_a_job_that_is_over_and_holds_money_or_asks_a_person_is_mended(
    seed: Seed, db: Database, settings: Settings
) -> None:
    await seed.workspace()
    job_id = await seed.job()
    await seed.claim()
    await db.write(
        lambda tx: holds.hold(tx, job_id=job_id, micros=5, now=now(), run_limit_micros=None)
    )
    await alter(db, OVER, *ASKED, id=job_id)
    found = await wrong(settings)
    assert {"holds", "late approvals"} <= set(found)
    assert job_id in found["holds"].detail
    assert job_id in found["late approvals"].detail
    assert {"holds: 1 job", "late approvals: 1 job"} <= set(await mend(settings))
    assert not {"holds", "late approvals"} & set(await wrong(settings))
    (ledger,) = await db.read(
        lambda tx: tx.all(Query("debits", "SELECT COUNT(*) AS n FROM ledger WHERE kind = 'debit'"))
    )
    assert ledger["n"] == 0


async def test_a_child_without_a_parent_and_a_parent_without_a_child_are_mended(
    seed: Seed, db: Database, settings: Settings
) -> None:
    await seed.workspace()
    parent = await over(seed)
    child = await seed.job(parent_job_id=parent, root_job_id=parent, depth=1)
    await alter(db, "UPDATE jobs SET parked = 1 WHERE id = :id", id=child)
    waiting = await running(seed, lease_until=now() + 60_000_000)
    await db.write(lambda tx: jobs.wait_for_child(tx, job_id=waiting, attempt=1))
    found = await wrong(settings)
    assert child in found["children"].detail
    assert waiting in found["waiting parents"].detail
    await mend(settings)
    assert (await seed.get(child))["status"] == "cancelled"
    assert (await seed.get(waiting))["waiting"] == 0
    assert not {"children", "waiting parents"} & set(await wrong(settings))


async def test_a_wallet_that_is_not_the_sum_of_its_ledger_is_named(
    seed: Seed, settings: Settings
) -> None:
    await seed.workspace()  # with a balance, and no ledger row
    found = (await wrong(settings))["money"]
    assert "workspace `acme` has a balance of 100000000 micros" in found.detail


async def test_what_a_killed_server_left_running_and_lying_about_is_named_and_removed(
    seed: Seed, settings: Settings
) -> None:
    (settings.home / "runs" / "abc123" / "work").mkdir(parents=True)
    code = "import time; print('here', flush=True); time.sleep(600)"
    marked = {**os.environ, MARK: data_mark(settings.home)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=marked, stdout=subprocess.PIPE) as left:  # noqa: ASYNC220
        try:
            assert left.stdout is not None
            assert left.stdout.readline() == b"here\n"
            found = await wrong(settings)
            assert str(left.pid) in found["processes"].detail
            assert "abc123" in found["run folders"].detail
            assert "run folders: 1 removed" in await mend(settings)
            assert left.wait(60) != 0
        finally:
            left.kill()
    assert not {"processes", "run folders"} & set(await wrong(settings))


async def test_bytes_that_no_row_names_are_removed_once_they_are_old(
    seed: Seed, settings: Settings
) -> None:
    stray = settings.files_path / "drive" / "acme" / "nobody"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    await mend(settings)
    assert stray.exists()
    await mend(settings, settled_seconds=-1)
    assert not stray.exists()
