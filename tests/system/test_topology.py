"""Servers and workers as on machines of their own: they share a PostgreSQL, a bucket, and a proxy.

No folder is common to any two of them, and what one of them knows another has to know too.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from puras import Job, Puras

from ..postgres import PostgresServer
from ..server import s3
from .conftest import PURAS, environment, serving, working
from .proxies import NAMES, free_port, proxy
from .test_crash import wait_until

KEY = "puras_live_T0pology.0123456789abcdefghijABCDEFGHIJ01"
SECRETS_KEY = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
HEADERS = {"Authorization": f"Bearer {KEY}"}
LEASE_AND_MORE = 30
_TELL = """\
import time
import puras

def run(lines=3, every=0.0, data=None):
    for n in range(lines):
        print("line", n, flush=True)
        time.sleep(every)
    puras.drive.write("made.txt", b"made here")
    return {
        "token": len(puras.secret("TOKEN")),
        "size": len(puras.load_bytes(data)) if data else 0,
        "made": f"jobs/{puras.job.id}/made.txt",
    }
"""
_SKILL = """\
description: It tells.
entrypoint: main.py:run
secrets: [TOKEN]
input_schema:
  type: object
  properties:
    lines: {type: integer}
    every: {type: number}
    data: {type: file}
output_schema:
  type: object
  properties:
    token: {type: integer}
    size: {type: integer}
    made: {type: file}
"""


@dataclass(frozen=True)
class Machine:
    """A server as its proxy knows it."""

    address: str
    process: subprocess.Popen[str]

    @property
    def base(self) -> str:
        return f"http://{self.address}"


@dataclass
class Installation:
    """Starts servers and workers, each in a home of its own, with the same settings."""

    folder: Path
    settings: dict[str, str]
    stack: ExitStack = field(default_factory=ExitStack)
    count: int = 0

    def home(self) -> Path:
        self.count += 1
        home = self.folder / f"machine-{self.count}"
        home.mkdir(parents=True)
        return home

    def serve(self) -> Machine:
        """Start a server; what it says of itself is the public address, not its own."""
        port = free_port()
        options = ("--no-worker", "--no-login", "--port", str(port))
        served = self.stack.enter_context(serving(self.home(), *options, env=self.settings))
        return Machine(f"127.0.0.1:{port}", served.process)

    def work(self) -> subprocess.Popen[str]:
        return self.stack.enter_context(working(self.home(), env=self.settings))

    def at(self, base: str) -> Puras:
        return self.stack.enter_context(Puras(KEY, "tell", api_base=base))

    def puras(self, base: str, *arguments: str, **options: Any) -> None:
        """Run a command as one who is at another machine still."""
        done = subprocess.run(
            [*PURAS, *arguments],
            env=environment(self.folder) | {"PURAS_API_BASE": base, "PURAS_API_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=120,
            **options,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Installation]:
    """The common parts, and what is deployed once all of it runs."""
    with s3.s3_server() as endpoint:
        settings = {
            "PURAS_DATABASE_URL": postgres.fresh(),
            "PURAS_STORAGE_URL": s3.make_bucket(endpoint),
            "PURAS_BOOTSTRAP_KEY": KEY,
            "PURAS_SECRETS_KEY": SECRETS_KEY,
            "PURAS_PUBLIC_URL": "http://puras.test",
            **s3.environment(endpoint),
        }
        made = Installation(tmp_path_factory.mktemp("machines"), settings)
        with made.stack:
            yield made


@pytest.fixture(scope="module")
def servers(machines: Installation) -> list[Machine]:
    both = [machines.serve(), machines.serve()]
    skill = machines.folder / "tell" / "tell"
    skill.mkdir(parents=True)
    (skill / "main.py").write_text(_TELL)
    (skill / "skill.yaml").write_text(_SKILL)
    one, other = both
    machines.puras(one.base, "deploy", str(skill.parent))
    machines.puras(
        other.base, "secrets", "set", "TOKEN", "--skillpack", "tell", input="seventeen letters"
    )
    return both


@pytest.fixture(scope="module")
def workers(machines: Installation) -> list[subprocess.Popen[str]]:
    return [machines.work(), machines.work()]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_servers_behind_a_documented_proxy_are_one(
    name: str, machines: Installation, servers: list[Machine], workers: list[subprocess.Popen[str]]
) -> None:
    dying = machines.serve()
    addresses = [server.address for server in (*servers, dying)]
    with proxy(name, free_port(), addresses) as front, Puras(KEY, "tell", api_base=front) as puras:
        photo = puras.upload(bytes(3 << 20), path="photo.bin")  # nginx takes 1 MiB unasked
        job = puras.run("tell", {"data": photo["drive_path"]}, timeout=60)
        assert (job["size"], job["token"]) == (3 << 20, 17)
        assert httpx2.get(job["made"]).content == b"made here"

        endless = puras.submit("tell", {"lines": 100, "every": 600})
        stream = puras.events(endless.id, transport="sse")
        first = next(event for event in stream if event.type == "log")
        assert first.payload["message"] == "line 0"  # nothing kept it back: the job still runs
        assert puras.cancel(endless.id).status == "cancelled"
        assert list(stream)[-1].payload["status"] == "cancelled"

        told = [puras.submit("tell", {"lines": 40, "every": 0.1}) for _ in range(6)]
        seen: dict[str, list[int]] = {one.id: [] for one in told}
        readers = [threading.Thread(target=_follow, args=(puras, one, seen)) for one in told]
        for reader in readers:
            reader.start()
        wait_until(lambda: all(len(ids) > 5 for ids in seen.values()), seconds=60)
        dying.process.kill()
        for reader in readers:
            reader.join(90)
        for one in told:
            log = list(puras.events(one.id, transport="poll"))
            assert seen[one.id] == list(range(1, len(log) + 1))
            assert puras.get(one.id).status == "succeeded"


def _follow(puras: Puras, job: Job, seen: dict[str, list[int]]) -> None:
    for event in puras.events(job.id, transport="sse"):
        seen[job.id].append(event.id)


@pytest.mark.slow
def test_what_one_server_was_told_another_knows(servers: list[Machine]) -> None:
    one, other = (
        httpx2.Client(base_url=server.base, headers=HEADERS, timeout=60) for server in servers
    )
    with one, other:
        _same_submit(one, other)
        _same_rate(one, other)
        _same_browser(one, other)
        _same_url(one, other)
        _same_upload(one, other)
        _same_assistant(one, other)


def _same_submit(one: httpx2.Client, other: httpx2.Client) -> None:
    body, header = {"skill": "tell/tell", "inputs": {}}, {"Idempotency-Key": "once"}
    first = one.post("/v1/jobs", json=body, headers=header)
    again = other.post("/v1/jobs", json=body, headers=header)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.post(f"/v1/jobs/{first.json()['id']}/cancel").status_code == 200


def _same_rate(one: httpx2.Client, other: httpx2.Client) -> None:
    fenced = {"name": "slow", "kind": "secret", "skills": "all", "rate_per_minute": 3}
    key = one.post("/v1/keys", json=fenced).json()["key"]
    said = []
    for client in (one, other, one, other, one, other, one, other):  # a minute may turn over
        answer = client.post(
            "/v1/jobs",
            json={"skill": "tell/tell", "inputs": {}},
            headers={"Authorization": f"Bearer {key}"},
        )
        said.append(answer.status_code)
    assert said.count(201) in range(3, 7)
    assert 429 in said


def _same_browser(one: httpx2.Client, other: httpx2.Client) -> None:
    origin = {"Origin": "http://puras.test"}
    signed_in = one.post("/session", json={"key": KEY}, headers=origin)
    assert signed_in.status_code == 201, signed_in.text
    cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    asked = other.post("/session/token", headers=origin | cookie, json={})
    token = asked.json()["token"]
    for client in (one, other):
        asked = client.get("/v1/jobs", headers={"Authorization": f"Bearer {token}"})
        assert asked.status_code == 200


def _same_upload(one: httpx2.Client, other: httpx2.Client) -> None:
    path = one.post("/v1/drive/upload", files={"file": ("a.txt", b"of one")}).json()["drive_path"]
    assert other.get(f"/v1/drive/{path}").content == b"of one"
    assert other.delete(f"/v1/drive/{path}").status_code in {200, 204}
    assert one.get(f"/v1/drive/{path}").status_code == 404


def _same_url(one: httpx2.Client, other: httpx2.Client) -> None:
    """A bucket signs for seven days at most; for longer a server does."""
    path = one.post("/v1/drive/upload", files={"file": ("a.txt", b"signed")}).json()["drive_path"]
    month = {"path": path, "ttl": 30 * 24 * 3600}
    signed = one.post("/v1/drive/sign", json=month).json()["signed_url"]
    assert signed.startswith("http://puras.test/v1/files/")
    assert other.get(signed.removeprefix("http://puras.test")).content == b"signed"


def _same_assistant(one: httpx2.Client, other: httpx2.Client) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    begun = one.post("/mcp", json=hello)
    session = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}
    asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
    tools = other.post("/mcp", json=asked, headers=session).json()["result"]["tools"]
    assert len(tools) == 1


@pytest.mark.slow
def test_an_upload_whose_server_was_killed_is_repeated_at_another(
    machines: Installation, servers: list[Machine]
) -> None:
    dying, once = machines.serve(), {**HEADERS, "Idempotency-Key": "once"}
    content = b"x" * (96 << 20)

    def upload(server: Machine) -> httpx2.Response:
        return httpx2.post(
            f"{server.base}/v1/drive/upload",
            files={"file": ("big.bin", content)},
            headers=once,
            timeout=60,
        )

    def first() -> None:
        with pytest.raises(httpx2.TransportError):
            upload(dying)

    uploading = threading.Thread(target=first)
    uploading.start()
    at_work = "SELECT count(*) FROM idempotency WHERE resource_id IS NULL"
    with psycopg.connect(machines.settings["PURAS_DATABASE_URL"], autocommit=True) as database:
        wait_until(lambda: database.execute(at_work).fetchone() == (1,), seconds=60)
    dying.process.kill()
    uploading.join()
    assert upload(servers[0]).json()["code"] == "idempotency_in_progress"
    time.sleep(12)  # until then nobody may take its place
    assert upload(servers[0]).json()["code"] == "idempotency_in_progress"
    wait_until(lambda: upload(servers[0]).status_code == 200, seconds=LEASE_AND_MORE)
    found = httpx2.get(f"{servers[1].base}/v1/drive?prefix=uploads", headers=HEADERS).json()
    kept = [file["size_bytes"] for file in found if "big.bin" in file["drive_path"]]
    assert kept == [len(content)]


@pytest.mark.slow
def test_workers_of_other_machines_come_go_and_die_and_no_job_is_lost(
    machines: Installation, servers: list[Machine], workers: list[subprocess.Popen[str]]
) -> None:
    puras = machines.at(servers[0].base)
    leaving, dying = machines.work(), machines.work()
    jobs = [puras.submit("tell", {"lines": 8, "every": 1}) for _ in range(10)]
    wait_until(lambda: all(puras.get(job.id).status == "running" for job in jobs), seconds=60)
    dying.kill()
    killed = time.monotonic()
    leaving.send_signal(signal.SIGTERM)
    assert leaving.wait(60) == 0
    for job in jobs:
        done = puras.wait(job.id, timeout=120)
        assert (done.status, done.result and done.result["token"]) == ("succeeded", 17)
        ids = [event.id for event in puras.events(job.id)]
        assert ids == list(range(1, len(ids) + 1))
    attempts = [puras.get(job.id).attempt for job in jobs]
    assert max(attempts) > 1, "neither of the two had a job"
    # Eight seconds a run: those of the dead are taken over when their lease is out.
    assert time.monotonic() - killed < LEASE_AND_MORE + 30
