"""What survives when the server is killed, stopped, or a run's processes go away."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from puras import Puras

from .conftest import Served, serving

SLEEPY = """\
import subprocess, sys, time
import puras

def run(n, seconds=0.2, nested=False):
    print("run", n, "attempt", puras.job.attempt, flush=True)
    if nested:
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
    time.sleep(seconds)
    return {"n": n}
"""


@pytest.fixture
def sleepy(tmp_path: Path) -> Path:
    skill = tmp_path / "sleepy" / "nap"
    skill.mkdir(parents=True)
    (skill / "main.py").write_text(SLEEPY)
    (skill / "skill.yaml").write_text(
        "description: Sleeps.\nentrypoint: main.py:run\ninput_schema:\n  type: object\n"
        "  properties:\n    n: {type: integer}\n    seconds: {type: number}\n"
        "    nested: {type: boolean}\n  required: [n]\n"
    )
    return skill.parent


def client(served: Served, key: str = "") -> Puras:
    return Puras(key or served.key, "sleepy", api_base=served.base)


def wait_until(happened: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            try:
                found += map(int, (task / "children").read_text().split())
            except OSError:
                continue
    return found[1:]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def counts(data: Path) -> Counter[str]:
    with sqlite3.connect(f"file:{data / 'puras.db'}?mode=ro", uri=True) as db:
        return Counter(dict(db.execute("SELECT status, count(*) FROM jobs GROUP BY status")))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_server_killed_amid_50_running_and_200_queued_jobs_finishes_all_of_them(
    tmp_path: Path, sleepy: Path
) -> None:
    many = {"PURAS_CONCURRENCY": "50"}
    with serving(tmp_path / "home", env=many) as served:
        assert served.puras("deploy", str(sleepy)).returncode == 0
        with client(served) as puras:
            puras.run("nap", {"n": -1, "seconds": 0})
            jobs = [
                puras.submit("nap", {"n": n, "seconds": 12 if n < 50 else 0.01}).id
                for n in range(250)
            ]
        wait_until(lambda: counts(served.data)["running"] == 50)
        family = descendants(served.process.pid)
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait()
        assert counts(served.data) == {"succeeded": 1, "running": 50, "queued": 200}
    with serving(tmp_path / "home", env=many) as again, client(again, served.key) as puras:
        assert not [pid for pid in family if is_alive(pid)]
        for n, job_id in enumerate(jobs):
            job = puras.wait(job_id, timeout=120)
            assert (job.status, job.result) == ("succeeded", {"n": n})
            events = list(puras.events(job_id))
            assert [event.id for event in events] == list(range(1, len(events) + 1))
            terminal = [e for e in events if e.payload.get("status") == "succeeded"]
            assert terminal == [events[-1]]
        attempts = Counter(puras.get(job_id).attempt for job_id in jobs)
        assert attempts == {2: 50, 1: 200}


def test_a_server_that_is_told_to_stop_hands_its_jobs_back_without_counting_a_loss(
    tmp_path: Path, sleepy: Path
) -> None:
    with serving(tmp_path / "home") as served:
        assert served.puras("deploy", str(sleepy)).returncode == 0
        with client(served) as puras:
            job_id = puras.submit("nap", {"n": 1, "seconds": 9}).id
            wait_until(lambda: puras.get(job_id).status == "running")
        family = descendants(served.process.pid)
        assert served.stop() == 0
        assert counts(served.data) == {"queued": 1}
        assert not [pid for pid in family if is_alive(pid)]
        with sqlite3.connect(served.data / "puras.db") as db:
            assert db.execute("SELECT lost, attempt FROM jobs").fetchone() == (0, 1)
    with serving(tmp_path / "home") as again, client(again, served.key) as puras:
        job = puras.wait(job_id, timeout=60)
        assert (job.status, job.attempt) == ("succeeded", 2)


def test_a_cancelled_run_and_everything_it_started_is_dead_within_two_seconds(
    tmp_path: Path, sleepy: Path
) -> None:
    with serving(tmp_path / "home") as served:
        assert served.puras("deploy", str(sleepy)).returncode == 0
        before = set(descendants(served.process.pid))
        with client(served) as puras:
            job_id = puras.submit("nap", {"n": 1, "seconds": 600, "nested": True}).id
            next(event for event in puras.events(job_id) if event.type == "log")
            wait_until(lambda: any(_command(p) == "sleep" for p in descendants(served.process.pid)))
            family = set(descendants(served.process.pid)) - before
            began = time.monotonic()
            assert puras.cancel(job_id).status == "cancelled"
            sleepers = [pid for pid in family if _command(pid) == "sleep"]
            wait_until(lambda: not any(is_alive(pid) for pid in sleepers), seconds=2)
            assert time.monotonic() - began < 2
            assert puras.cancel(job_id).status == "cancelled"
            last = list(puras.events(job_id))[-1]
            assert last.payload["status"] == "cancelled"
            assert last.payload["error_code"] == "cancelled"


def test_a_run_that_is_lost_three_times_fails_as_worker_lost(tmp_path: Path, sleepy: Path) -> None:
    with serving(tmp_path / "home") as served:
        assert served.puras("deploy", str(sleepy)).returncode == 0
        with client(served) as puras:
            job_id = puras.submit("nap", {"n": 1, "seconds": 600}).id
            for attempt in (1, 2, 3):
                said = f"run 1 attempt {attempt}"
                next(e for e in puras.events(job_id) if e.payload.get("message") == said)
                for pid in descendants(served.process.pid):
                    # One may be gone already, with its parent.
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            job = puras.wait(job_id, timeout=30)
            events = list(puras.events(job_id))
        assert (job.status, job.error_code, job.attempt) == ("failed", "worker_lost", 3)
        assert [e.payload["status"] for e in events if e.type == "status"] == [
            "queued", "running", "queued", "running", "queued", "running", "failed"
        ]  # fmt: skip
        wait_until(lambda: not descendants(served.process.pid), seconds=5)


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served:
        second = served.puras("serve", "--port", "0", "--data", str(served.data))
    assert second.returncode == 1
    assert "data_in_use" in second.stderr
    assert str(served.process.pid) in second.stderr


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
