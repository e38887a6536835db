"""What is forgotten of old jobs, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from puras.server.clock import DAY
from puras.server.retention import sweep as module
from puras.server.retention.sweep import sweep

from ..jobs.bench import ECHO, Bench, Skill, open_bench
from ..support import problem

WRITES = Skill(
    "writes",
    """
    import puras
    def run():
        puras.step("keep", lambda: 1)
        puras.drive.write(f"jobs/{puras.job.id}/a.txt", b"hello")
        return {"child": puras.subagent.run("echo", {"x": 1})}
    """,
)
TABLES = ("jobs", "events", "spans", "recorded_calls", "feedback", "holds", "drive_files")


async def forget(bench: Bench, *, days: int = 7, later: int = 8) -> int:
    platform = bench.platform
    now = platform.clock() + later * DAY
    return await sweep(platform.db, platform.drive, days=days, now=now)


async def counts(bench: Bench) -> dict[str, int]:
    return {
        table: (await bench.rows(f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"] for table in TABLES
    }


async def test_an_old_job_goes_with_all_below_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "data", compute_usd_per_second=0.01) as bench:
        await bench.deploy(WRITES, ECHO)
        job = await bench.run("writes")
        assert job["status"] == "succeeded", job
        await bench.client.post(f"/v1/jobs/{job['id']}/feedback", json={"rating": 1})
        assert all((await counts(bench)).values()), await counts(bench)
        ledger = await bench.rows("SELECT * FROM ledger")
        spending = await bench.rows("SELECT * FROM spending")
        assert spending
        assert await forget(bench) == 1
        assert not any((await counts(bench)).values()), await counts(bench)
        assert await bench.rows("SELECT * FROM ledger") == ledger
        assert await bench.rows("SELECT * FROM spending") == spending
        files = (bench.platform.settings.files_path / "drive").rglob("*")
        assert not [file for file in files if file.is_file()]
        answer = await bench.client.get(f"/v1/jobs/{job['id']}")
        assert problem(answer) == (404, "job_not_found")


async def test_younger_and_unfinished_jobs_and_other_files_stay(bench: Bench) -> None:
    await bench.deploy(ECHO, Skill("sleep", "import time\ndef run(): time.sleep(60)\n"))
    await bench.client.post("/v1/drive/upload", files={"file": ("a.txt", b"hello")})
    await bench.run("echo")
    await bench.begin("sleep")
    assert await forget(bench, days=9) == 0
    assert await forget(bench, days=7) == 1
    (left,) = await bench.rows("SELECT skill_name FROM jobs")
    assert left == {"skill_name": "sleep"}
    assert (await counts(bench))["drive_files"] == 1


async def test_a_job_with_a_long_log_is_forgotten_whole(bench: Bench) -> None:
    await bench.deploy(Skill("talk", "def run():\n  for n in range(4100): print(n)\n"))
    await bench.run("talk")
    assert (await counts(bench))["events"] > 4100
    assert await forget(bench) == 1
    assert (await counts(bench))["events"] == 0


async def test_many_jobs_are_forgotten_in_several_steps(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROOTS", 3)
    monkeypatch.setattr(module, "_EVENTS", 7)
    await bench.deploy(WRITES, ECHO)
    for _ in range(5):
        await bench.run("writes")
    assert await forget(bench) == 5
    assert not any((await counts(bench)).values()), await counts(bench)


async def test_what_was_left_half_way_is_finished(bench: Bench) -> None:
    await bench.deploy(ECHO)
    await bench.run("echo")
    await bench.alter("DELETE FROM events WHERE id = 1")
    await bench.alter("DELETE FROM spans")
    assert await forget(bench) == 1
    assert not any((await counts(bench)).values())


async def test_a_server_forgets_by_itself_as_the_operator_says(tmp_path: Path) -> None:
    home = tmp_path / "data"
    async with open_bench(home) as bench:
        await bench.deploy(ECHO)
        old, new = await bench.run("echo"), await bench.run("echo")
        key = bench.client.headers["authorization"]
        await bench.alter(
            "UPDATE jobs SET finished_at = finished_at - :age WHERE id = :id",
            age=2 * DAY,
            id=old["id"],
        )
    async with open_bench(home, retention_days=1) as bench:
        bench.client.headers["authorization"] = key
        await bench.run("echo")  # the sweep of the start was queued before it
        while await bench.rows("SELECT id FROM jobs WHERE id = :id", id=old["id"]):
            await bench.platform.queue.wait(0.05)
        assert (await bench.get(new["id"]))["id"] == new["id"]
