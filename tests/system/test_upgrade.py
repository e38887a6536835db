"""A new version takes the old one's place while clients are at work.

The new version is a copy of this one with a migration more, for both to differ in what matters: the
schema. It adds columns to the tables that are read and written most.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

import puras
from puras import Puras
from puras.server.db.migrate import latest

from ..postgres import PostgresServer
from .conftest import PURAS, environment, serving, working
from .proxies import free_port, proxy
from .test_crash import sleepy, wait_until  # noqa: F401

KEY = "puras_live_Upgraded.0123456789abcdefghijABCDEFGHIJ01"
NEXT = latest("postgres") + 1
_EXPAND = """\
ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm';
ALTER TABLE events ADD COLUMN mood TEXT;
ALTER TABLE workspaces ADD COLUMN mood TEXT;
CREATE TABLE moods (id TEXT PRIMARY KEY);
"""


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which `puras` is the next version."""
    folder = tmp_path_factory.mktemp("newer")
    package = folder / "puras"
    shutil.copytree(
        Path(puras.__file__).parent, package, ignore=shutil.ignore_patterns("static", "__pycache__")
    )
    for dialect in ("sqlite", "postgres"):
        scripts = package / "server" / "db" / "migrations" / dialect
        (scripts / f"{NEXT:04}_moods.sql").write_text(_EXPAND)
    return {"PYTHONPATH": str(folder)}


def run(home: Path, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PURAS, *arguments],
        env=environment(home) | env,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_version_refuses_data_of_a_newer_one_and_says_what_to_do(
    dialect: str, newer: dict[str, str], tmp_path: Path, postgres: PostgresServer
) -> None:
    at = {} if dialect == "sqlite" else {"PURAS_DATABASE_URL": postgres.fresh()}
    data = ("--data", str(tmp_path / "data"))
    made = run(tmp_path, "admin", "migrate", *data, env=at | newer)
    assert made.stdout == f"Schema {NEXT}, made anew.\n", made.stderr
    commands = [("serve", "--port", "0"), ("admin", "migrate", "--check")]
    for command in [*commands, *([("worker",)] if at else [])]:
        refused = run(tmp_path, *command, *data, "--output", "json", env=at)
        assert refused.returncode == 1, command
        assert '"code": "schema_too_new"' in refused.stderr
        assert "newer" in refused.stderr
    assert run(tmp_path, "admin", "migrate", "--check", *data, env=at | newer).returncode == 0


@dataclass
class Clients:
    """They submit jobs and follow each to its end, until they are told to stop."""

    base: str
    stop: threading.Event = field(default_factory=threading.Event)
    done: dict[str, list[int]] = field(default_factory=dict)
    faults: list[BaseException] = field(default_factory=list)

    @contextmanager
    def at_work(self, count: int) -> Iterator[None]:
        threads = [threading.Thread(target=self._work, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(120)
            assert not any(thread.is_alive() for thread in threads)

    def _work(self, n: int) -> None:
        try:
            with Puras(KEY, "sleepy", api_base=self.base, max_retries=6) as puras:
                while not self.stop.is_set():
                    job = puras.submit("nap", {"n": n, "seconds": 0.3})
                    events = list(puras.events(job.id))
                    assert events[-1].payload["status"] == "succeeded"
                    self.done[job.id] = [event.id for event in events]
        except BaseException as fault:
            self.faults.append(fault)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_are_replaced_one_by_one_and_clients_do_not_notice(
    newer: dict[str, str],
    tmp_path: Path,
    sleepy: Path,  # noqa: F811
    postgres: PostgresServer,
) -> None:
    settings = {
        "PURAS_DATABASE_URL": postgres.fresh(),
        "PURAS_BOOTSTRAP_KEY": KEY,
        "PURAS_FILES": str(tmp_path / "files"),
        "PURAS_SECRETS_KEY": "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=",
        "PURAS_PUBLIC_URL": "http://puras.test",
    }
    ports = [free_port(), free_port()]

    def server(port: int, stack: ExitStack, **more: str) -> subprocess.Popen[str]:
        options = ("--no-worker", "--no-login", "--port", str(port))
        home = tmp_path / f"server-{port}-{len(more)}"
        return stack.enter_context(serving(home, *options, env=settings | more)).process

    def worker(name: str, stack: ExitStack, **more: str) -> subprocess.Popen[str]:
        (tmp_path / name).mkdir()
        return stack.enter_context(working(tmp_path / name, env=settings | more))

    with ExitStack() as stack:
        old_servers = [server(port, stack) for port in ports]
        old_workers = [worker(f"old-{n}", stack) for n in range(2)]
        front = stack.enter_context(
            proxy("nginx", free_port(), [f"127.0.0.1:{port}" for port in ports])
        )
        user = {"PURAS_API_KEY": KEY, "PURAS_API_BASE": front}
        assert run(tmp_path, "deploy", str(sleepy), env=user).returncode == 0
        clients = Clients(front)
        with clients.at_work(4):
            wait_until(lambda: len(clients.done) >= 4, seconds=60)
            assert run(tmp_path, "admin", "migrate", env=settings | newer).returncode == 0
            for port in ports:
                assert httpx2.get(f"http://127.0.0.1:{port}/ready").status_code == 200
            _until_more(clients)  # the old version works on the new schema
            for port, old in zip(ports, old_servers, strict=True):
                old.terminate()
                assert old.wait(60) == 0
                server(port, stack, **newer)
            for n, old in enumerate(old_workers):
                worker(f"new-{n}", stack, **newer)
                old.terminate()
                assert old.wait(60) == 0
            _until_more(clients)
        assert clients.faults == []
        rows = dict(postgres.run("SELECT id, status FROM jobs", settings["PURAS_DATABASE_URL"]))
        assert set(rows.values()) == {"succeeded"}
        assert rows.keys() == clients.done.keys()
        for ids in clients.done.values():
            assert ids == list(range(1, len(ids) + 1))


def _until_more(clients: Clients) -> None:
    before = len(clients.done)
    wait_until(lambda: len(clients.done) >= before + 8 or bool(clients.faults), seconds=60)
