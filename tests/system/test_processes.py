"""Several servers and workers as processes of their own, on one PostgreSQL database."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from puras import Puras

from ..postgres import PostgresServer
from .conftest import PURAS, Served, environment, serving, working
from .test_crash import descendants, is_alive, sleepy, wait_until  # noqa: F401


@dataclass
class Cluster:
    """Processes on one database, which `start` and `work` add to."""

    home: Path
    url: str
    postgres: PostgresServer
    stack: ExitStack = field(default_factory=ExitStack)
    key: str = ""

    def serve(self, *options: str) -> Served:
        environment = {"PURAS_DATABASE_URL": self.url}
        served = self.stack.enter_context(serving(self.home, *options, env=environment))
        self.key = self.key or served.key
        return served

    def work(self) -> subprocess.Popen[str]:
        environment = {"PURAS_DATABASE_URL": self.url}
        return self.stack.enter_context(working(self.home, env=environment))

    def client(self, served: Served) -> Puras:
        return self.stack.enter_context(Puras(self.key, "sleepy", api_base=served.base))

    def deploy(self, served: Served, bundle: Path) -> None:
        environment = {"PURAS_API_KEY": self.key, "PURAS_API_BASE": served.base}
        done = served.puras("deploy", str(bundle), env=environment)
        assert done.returncode == 0, done.stderr

    def ask(self, query: str) -> list[tuple[object, ...]]:
        return self.postgres.run(query, self.url)

    def workers_of(self, *ids: str) -> list[str]:
        """Return which worker has each of some running jobs, as its process number."""
        names = dict(self.ask("SELECT id, worker_id FROM jobs WHERE worker_id IS NOT NULL"))
        return [str(names[one]).split("-")[-2] for one in ids if one in names]


@pytest.fixture
def cluster(tmp_path: Path, postgres: PostgresServer) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "home", postgres.fresh(), postgres)
    with made.stack:
        yield made


def test_a_job_goes_in_at_one_server_runs_in_a_worker_and_is_followed_at_another(
    cluster: Cluster,
    sleepy: Path,  # noqa: F811
) -> None:
    one, other = cluster.serve("--no-worker"), cluster.serve("--no-worker")
    cluster.deploy(one, sleepy)
    here, there = cluster.client(one), cluster.client(other)
    job_id = here.submit("nap", {"n": 1, "seconds": 0.5}).id
    assert there.get(job_id).status == "queued"
    seen: list[object] = []
    following = threading.Thread(target=lambda: seen.extend(there.events(job_id)))
    following.start()
    cluster.work()
    following.join(20)
    assert [event["id"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["payload"]["status"] == "succeeded"
    assert there.get(job_id).result == {"n": 1}
    began = time.monotonic()
    assert there.run("nap", {"n": 2, "seconds": 0}) == {"n": 2}
    assert time.monotonic() - began < 1


def test_workers_share_the_jobs_and_no_workspace_runs_more_than_it_may(
    cluster: Cluster,
    sleepy: Path,  # noqa: F811
) -> None:
    server = cluster.serve("--no-worker")
    cluster.deploy(server, sleepy)
    puras = cluster.client(server)
    workers = {str(cluster.work().pid), str(cluster.work().pid)}
    cluster.ask("UPDATE workspaces SET concurrency = 6")
    ids = [puras.submit("nap", {"n": n, "seconds": 1}).id for n in range(24)]
    used, most = set(), 0
    while any(puras.get(job_id).status in {"queued", "running"} for job_id in ids[-2:]):
        running = cluster.workers_of(*ids)
        used |= set(running)
        most = max(most, len(running))
    assert {puras.wait(job_id, timeout=30).status for job_id in ids} == {"succeeded"}
    assert used == workers
    assert most == 6


def test_a_cancel_at_one_server_kills_the_run_in_a_worker_within_two_seconds(
    cluster: Cluster,
    sleepy: Path,  # noqa: F811
) -> None:
    one, other, worker = cluster.serve("--no-worker"), cluster.serve("--no-worker"), cluster.work()
    cluster.deploy(one, sleepy)
    here, there = cluster.client(one), cluster.client(other)
    before = set(descendants(worker.pid))
    job_id = here.submit("nap", {"n": 1, "seconds": 600, "nested": True}).id
    next(event for event in there.events(job_id) if event.type == "log")
    wait_until(lambda: any(command(p) == "sleep" for p in descendants(worker.pid)))
    family = set(descendants(worker.pid)) - before
    sleepers = [pid for pid in family if command(pid) == "sleep"]
    assert there.cancel(job_id).status == "cancelled"
    wait_until(lambda: not any(is_alive(pid) for pid in sleepers), seconds=2)
    last = list(here.events(job_id))[-1]
    assert last.payload["status"] == "cancelled"


def test_a_worker_that_is_told_to_stop_hands_its_jobs_to_another(
    cluster: Cluster,
    sleepy: Path,  # noqa: F811
) -> None:
    server, leaving = cluster.serve("--no-worker"), cluster.work()
    cluster.deploy(server, sleepy)
    puras = cluster.client(server)
    job_id = puras.submit("nap", {"n": 1, "seconds": 9}).id
    wait_until(lambda: puras.get(job_id).status == "running")
    family = descendants(leaving.pid)
    leaving.send_signal(signal.SIGTERM)  # it gives the run five of its nine seconds
    cluster.work()
    assert leaving.wait(20) == 0
    assert not [pid for pid in family if is_alive(pid)]
    job = puras.wait(job_id, timeout=90)
    assert (job.status, job.attempt) == ("succeeded", 2)
    assert cluster.ask("SELECT lost FROM jobs") == [(0,)]


@pytest.mark.slow
def test_the_jobs_of_a_killed_worker_are_recovered_by_another_within_thirty_seconds(
    cluster: Cluster,
    sleepy: Path,  # noqa: F811
) -> None:
    server, killed = cluster.serve("--no-worker"), cluster.work()
    cluster.deploy(server, sleepy)
    puras = cluster.client(server)
    ids = [puras.submit("nap", {"n": n, "seconds": 1}).id for n in range(30)]
    wait_until(lambda: Counter(cluster.workers_of(*ids))[str(killed.pid)] >= 5)
    lost = {job_id for job_id in ids if puras.get(job_id).status == "running"}
    killed.kill()
    killed.wait()
    began = time.monotonic()
    cluster.work()
    for job_id in ids:
        assert puras.wait(job_id, timeout=60).status == "succeeded"
    assert time.monotonic() - began < 40
    for job_id in ids:
        events = puras.events(job_id)
        told = [event for event in events if event.type == "status"]
        assert sum(event.payload["status"] == "succeeded" for event in told) == 1
    attempts = {job_id: puras.get(job_id).attempt for job_id in ids}
    assert {job_id for job_id, attempt in attempts.items() if attempt == 2} >= lost - {
        job_id for job_id, attempt in attempts.items() if attempt == 1
    }
    assert max(attempts.values()) == 2


@pytest.mark.slow
def test_a_frozen_worker_that_wakes_finds_its_job_taken_and_kills_its_run(
    cluster: Cluster,
    sleepy: Path,  # noqa: F811
) -> None:
    server, frozen = cluster.serve("--no-worker"), cluster.work()
    cluster.deploy(server, sleepy)
    puras = cluster.client(server)
    before = set(descendants(frozen.pid))
    job_id = puras.submit("nap", {"n": 1, "seconds": 60, "nested": True}).id
    wait_until(lambda: any(command(p) == "sleep" for p in descendants(frozen.pid)))
    family = set(descendants(frozen.pid)) - before
    frozen.send_signal(signal.SIGSTOP)
    try:
        cluster.work()
        wait_until(lambda: puras.get(job_id).attempt == 2, seconds=30)
        assert any(is_alive(pid) for pid in family)
    finally:
        frozen.send_signal(signal.SIGCONT)
    sleepers = [pid for pid in family if command(pid) == "sleep"]
    wait_until(lambda: not any(is_alive(pid) for pid in sleepers), seconds=5)
    assert puras.get(job_id).attempt == 2
    assert puras.get(job_id).status == "running"
    puras.cancel(job_id)


def test_what_sqlite_can_not_do_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for command in (["worker"], ["serve", "--port", "0", "--no-worker"]):
        done = run(tmp_path, *command)
        assert done.returncode == 2
        assert "set PURAS_DATABASE_URL" in done.stderr


def test_a_database_that_can_not_be_reached_is_told(tmp_path: Path) -> None:
    url = f"postgresql://postgres@/none?host={tmp_path}"
    done = run(tmp_path, "worker", env={"PURAS_DATABASE_URL": url})
    assert done.returncode == 1
    assert "the database can't be used" in done.stderr
    done = run(tmp_path, "worker", env={"PURAS_DATABASE_URL": "mysql://here"})
    assert done.returncode == 2
    assert "postgresql://" in done.stderr


def test_an_operator_works_on_the_same_database(cluster: Cluster) -> None:
    served = cluster.serve()
    environment = {"PURAS_DATABASE_URL": cluster.url}

    def admin(*arguments: str) -> subprocess.CompletedProcess[str]:
        return served.puras("admin", *arguments, "--data", str(served.data), env=environment)

    assert admin("workspace", "create", "acme").returncode == 0
    assert admin("credits", "add", "acme", "5").returncode == 0
    key = admin("key", "create", "acme").stdout.strip()
    asked = served.puras(
        "whoami", "--output", "json", env={"PURAS_API_KEY": key, "PURAS_API_BASE": served.base}
    )
    assert json.loads(asked.stdout)["workspace"] == "acme"
    checks = json.loads(admin("doctor", "--output", "json").stdout)
    states = {check["name"]: check["state"] for check in checks}
    assert states["database"] == states["money"] == states["schema"] == "ok"
    server = next(check for check in checks if check["name"] == "server")
    assert str(served.process.pid) in server["detail"]


def run(
    home: Path, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PURAS, *arguments],
        env=environment(home) | (env or {}),
        capture_output=True,
        text=True,
        timeout=60,
    )


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
