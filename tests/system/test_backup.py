"""What the how-to says of backups: made while the server works, put into a fresh one, and used."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

import httpx2
import pytest

from puras import Puras

from ..docs.pages import ROOT, blocks
from ..postgres import PostgresServer, binaries
from .conftest import PURAS, Served, environment, serving
from .test_crash import sleepy  # noqa: F401

PAGE = ROOT / "docs" / "howto" / "backup.md"


def admin(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PURAS, "admin", *arguments, "--data", str(data)],
        env=environment(data.parent),
        capture_output=True,
        text=True,
        timeout=90,
    )


def put_something_in(served: Served, bundle: Path) -> tuple[str, str]:
    """Deploy, run, upload and set a secret; return a job's id and a file's path."""
    assert served.puras("deploy", str(bundle)).returncode == 0
    told = served.puras("secrets", "set", "TOKEN", "--skillpack", "sleepy", input="tell nobody")
    assert told.returncode == 0, told.stderr
    with Puras(served.key, "sleepy", api_base=served.base) as puras:
        path = puras.upload(b"kept", path="kept.txt")["drive_path"]
        return puras.submit("nap", {"n": 7, "seconds": 0}, wait=True).id, path


def check_what_is_there(
    served: Served, key: str, job_id: str, path: str, *, env: dict[str, str] | None = None
) -> None:
    """The old key opens the new server, and what it had is there and works."""
    headers = {"Authorization": f"Bearer {key}"}
    with Puras(key, "sleepy", api_base=served.base) as puras:
        assert puras.get(job_id).result == {"n": 7}
        assert next(event.id for event in puras.events(job_id)) == 1
        assert puras.run("nap", {"n": 8, "seconds": 0}) == {"n": 8}
    file = httpx2.get(f"{served.base}/v1/drive/{path}", headers=headers)
    assert file.content == b"kept"
    doctor = json.loads(_doctor(served, env or {}).stdout)
    states = {check["name"]: check["state"] for check in doctor}
    assert {states[name] for name in ("database", "money", "secrets", "files")} == {"ok"}
    assert "all 1 can be read" in next(c["detail"] for c in doctor if c["name"] == "secrets")


def _doctor(served: Served, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    looked = ("admin", "doctor", "--data", str(served.data), "--output", "json")
    return served.puras(*looked, env=env)


@pytest.mark.slow
def test_a_backup_of_a_busy_server_is_whole_and_can_be_used(
    tmp_path: Path,
    sleepy: Path,  # noqa: F811
) -> None:
    copy = tmp_path / "backups" / "today"
    with serving(tmp_path / "home") as served:
        job_id, path = put_something_in(served, sleepy)
        stop = threading.Event()
        churning = threading.Thread(target=_churn, args=(served, stop))
        churning.start()
        made = admin(served.data, "backup", str(copy))
        stop.set()
        churning.join()
        assert made.returncode == 0, made.stderr
        assert admin(served.data, "backup", str(copy)).returncode == 1  # it overwrites nothing
    fresh = tmp_path / "fresh" / "data"
    assert admin(fresh, "restore", str(copy)).returncode == 0
    refused = admin(fresh, "restore", str(copy))
    assert refused.returncode == 1
    assert "is there already" in refused.stderr
    with serving(fresh.parent) as again:
        check_what_is_there(again, served.key, job_id, path)


def _churn(served: Served, stop: threading.Event) -> None:
    """Write and delete files, for rows and bytes to come and go under the copy's hands."""
    headers = {"Authorization": f"Bearer {served.key}"}
    with httpx2.Client(base_url=served.base, headers=headers, timeout=60) as client:
        while not stop.is_set():
            made = client.post("/v1/drive/upload", files={"file": ("a", b"x" * 1000)})
            client.delete(f"/v1/drive/{made.json()['drive_path']}")


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    empty, damaged = tmp_path / "empty", tmp_path / "damaged"
    for folder in (empty, damaged):
        folder.mkdir()
    (damaged / "puras.db").write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    for folder, words in ((empty, "is no backup"), (damaged, "is damaged")):
        refused = admin(tmp_path / "data", "restore", str(folder))
        assert refused.returncode == 1
        assert words in refused.stderr
    assert not (tmp_path / "data" / "puras.db").exists()


@pytest.mark.slow
def test_the_commands_for_postgresql_bring_all_of_it_back(
    tmp_path: Path,
    sleepy: Path,  # noqa: F811
    postgres: PostgresServer,
) -> None:
    """The page's own block, with other addresses put in its variables."""
    script = next(block.text for block in blocks(PAGE) if "pg_dump" in block.text)
    old, new = postgres.fresh(), postgres.fresh()
    home, fresh = tmp_path / "home", tmp_path / "fresh"
    with serving(home, env={"PURAS_DATABASE_URL": old}) as served:
        job_id, path = put_something_in(served, sleepy)
        variables = {
            "PATH": f"{binaries()}:{os.environ['PATH']}",
            "PURAS_DATABASE_URL": old,
            "PURAS_HOME": str(served.data),
            "NEW_DATABASE_URL": new,
            "NEW_HOME": str(fresh / "data"),
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    with serving(fresh, env={"PURAS_DATABASE_URL": new}) as again:
        at = {"PURAS_DATABASE_URL": new}
        check_what_is_there(again, served.key, job_id, path, env=at)
