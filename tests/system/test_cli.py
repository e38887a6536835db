"""The command line against a real server: what a user does on the first day."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from .conftest import PURAS, Served


@pytest.fixture
def deployed(server: Served, skills: Path) -> Served:
    done = server.puras("deploy", str(skills), "--skillpack", "skills")
    assert done.returncode == 0, done.stderr
    return server


def test_the_first_start_logs_this_cli_in(server: Served) -> None:
    path = server.home / ".puras" / "config.json"
    assert json.loads(path.read_text()) == {"api_base": server.base, "api_key": server.key}
    assert path.stat().st_mode & 0o777 == 0o600
    who = json.loads(server.puras("whoami", "--output", "json").stdout)
    assert (who["workspace"], who["api_base"]) == ("local", server.base)


def test_a_new_bundle_is_made_deployed_and_run(server: Served, tmp_path: Path) -> None:
    folder = tmp_path / "first-day"
    assert server.puras("init", str(folder)).returncode == 0
    deployed = server.puras("deploy", str(folder))
    assert deployed.returncode == 0, deployed.stderr
    assert "Version 1 of first-day is deployed and active." in deployed.stdout
    next_command = deployed.stdout.splitlines()[-1].removeprefix("Next: puras ")
    ran = server.puras(*next_command.split())
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["message"].startswith("Hello Ada")


def test_a_run_shows_what_the_skill_says_and_keeps_stdout_for_the_result(deployed: Served) -> None:
    ran = deployed.puras("run", "skills/greet", "-i", "name=Ada")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"message": "Hello Ada"}
    assert "log        greeting Ada" in ran.stderr
    assert "progress   50% half way" in ran.stderr


def test_a_string_that_looks_like_a_number_stays_a_string(deployed: Served) -> None:
    ran = deployed.puras("run", "skills/greet", "-i", "name=007")
    assert json.loads(ran.stdout) == {"message": "Hello 007"}


def test_a_local_file_reaches_the_skill(deployed: Served, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(range(256)) * 40)
    ran = deployed.puras("run", "skills/measure", "-i", f"data=@{file}")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"size": 10240}


def test_a_failing_skill_fails_the_command_with_its_error(deployed: Served) -> None:
    ran = deployed.puras("run", "skills/fail")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "ValueError: it broke" in ran.stderr


def test_wrong_inputs_are_listed(deployed: Served) -> None:
    ran = deployed.puras("run", "skills/greet", "-i", "name:=3")
    assert ran.returncode == 1
    assert "name" in ran.stderr
    assert "Request id: " in ran.stderr


def test_a_mistyped_skill_names_the_nearest(deployed: Served) -> None:
    ran = deployed.puras("run", "skills/gret", "-i", "name=Ada")
    assert ran.returncode == 4
    assert "greet" in ran.stderr


def test_a_wrong_key_is_not_authorised(server: Served) -> None:
    ran = server.puras("whoami", env={"PURAS_API_KEY": "puras_live_aaaaaaaa." + "b" * 32})
    assert ran.returncode == 3


def test_a_job_is_submitted_followed_and_cancelled(deployed: Served) -> None:
    job_id = deployed.puras("run", "skills/sleep", "--async").stdout.strip()
    with subprocess.Popen(
        [*PURAS, "logs", job_id, "--output", "json"],
        env=deployed.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as logs:
        assert logs.stdout is not None
        events = []
        for line in logs.stdout:
            events.append(json.loads(line))
            if events[-1]["payload"].get("message") == "asleep":
                assert deployed.puras("cancel", job_id).returncode == 0
        assert logs.wait(30) == 1
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["payload"]["status"] == "cancelled"
    assert json.loads(deployed.puras("jobs", job_id, "--output", "json").stdout)["status"] == (
        "cancelled"
    )


def test_ctrl_c_leaves_the_job_running(deployed: Served) -> None:
    with subprocess.Popen(
        [*PURAS, "run", "skills/sleep"],
        env=deployed.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        job_id = run.stderr.readline().split()[-1]
        while "asleep" not in run.stderr.readline():
            pass
        run.send_signal(signal.SIGINT)
        rest = run.stderr.read()
        assert run.wait(30) == 130
    assert f"job {job_id} goes on" in rest
    assert json.loads(deployed.puras("jobs", job_id, "--output", "json").stdout)["status"] == (
        "running"
    )
    assert deployed.puras("cancel", job_id).returncode == 0


def test_versions_are_activated_and_rolled_back(server: Served, tmp_path: Path) -> None:
    folder = str(tmp_path / "versions")
    server.puras("init", folder)
    for _ in range(2):
        assert server.puras("deploy", folder).returncode == 0
    assert server.puras("activate", "--rollback", cwd=folder).stdout == "Version 1 is active.\n"
    rows = server.puras("deployments", cwd=folder).stdout.splitlines()
    assert [row.split("\t")[:2] for row in rows] == [["2", "no"], ["1", "yes"]]
    in_use = server.puras("deployments", "delete", "1", cwd=folder)
    assert (in_use.returncode, "Deleted" in in_use.stdout) == (1, False)
    assert server.puras("deployments", "delete", "2", cwd=folder).returncode == 0
    gone = server.puras("run", "versions/hello", "-i", "name=A", "--version", "2")
    assert gone.returncode == 4


def test_a_fenced_key_runs_its_skill_and_no_other(deployed: Served) -> None:
    minted = deployed.puras(
        *("keys", "mint", "--name", "web", "--publishable", "--skill", "skills/greet")
    )
    assert minted.returncode == 0, minted.stderr
    login = {"PURAS_API_KEY": minted.stdout.strip()}
    assert deployed.puras("run", "skills/greet", "-i", "name=A", env=login).returncode == 0
    assert deployed.puras("run", "skills/fail", env=login).returncode == 3
    assert deployed.puras("keys", env=login).returncode == 3
    listed = json.loads(deployed.puras("keys", "--output", "json").stdout)
    (key,) = [each for each in listed if each["name"] == "web"]
    assert deployed.puras("keys", "revoke", key["id"]).returncode == 0
    assert deployed.puras("run", "skills/greet", "-i", "name=A", env=login).returncode == 3


def test_a_key_with_a_spent_cap_is_out_of_money(deployed: Served) -> None:
    minted = deployed.puras("keys", "mint", "--name", "poor", "--daily-cap", "0")
    login = {"PURAS_API_KEY": minted.stdout.strip()}
    ran = deployed.puras("run", "skills/greet", "-i", "name=A", env=login)
    assert ran.returncode == 5


def test_feedback_reaches_the_server(deployed: Served) -> None:
    job_id = json.loads(
        deployed.puras("run", "skills/greet", "-i", "name=A", "--output", "json").stdout
    )["id"]
    given = deployed.puras("feedback", job_id, "--rating", "1", "--comment", "fine")
    assert given.returncode == 0, given.stderr


def test_a_skillpack_is_created_changed_and_deleted(server: Served) -> None:
    assert server.puras("skillpacks", "create", "brief").returncode == 0
    assert server.puras("skillpacks", "create", "brief").returncode == 1
    changed = server.puras("skillpacks", "update", "brief", "--public", "--output", "json")
    assert json.loads(changed.stdout)["public"] is True
    assert server.puras("skillpacks", "delete", "brief", "--yes").returncode == 0
    assert server.puras("skillpacks", "show", "brief").returncode == 4


def test_a_bundle_is_run_on_a_server_of_its_own(skills: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as scratch:
        ran = subprocess.run(
            [*PURAS, "run", "greet", "-i", "name=Ada", "--local", "--dir", str(skills)],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": scratch},
            capture_output=True,
            text=True,
            timeout=90,
        )
        left = [path for path in Path(scratch).iterdir() if path.name.startswith("puras-local-")]
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"message": "Hello Ada"}
    assert not (tmp_path / ".puras").exists()
    assert left == []


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP], ids=["asked", "terminal closed"])
def test_a_local_run_that_is_stopped_takes_all_its_processes_along(
    skills: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as scratch,
        subprocess.Popen(
            [*PURAS, "run", "sleep", "--local", "--dir", str(skills)],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": scratch},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as run,
    ):
        assert run.stderr is not None
        while "asleep" not in run.stderr.readline():
            pass
        (server,) = _children(run.pid)
        assert _processes_in(scratch)
        run.send_signal(stop)
        assert run.wait(30) == 128 + stop
        assert not Path(f"/proc/{server}").exists()
        assert _processes_in(scratch) == []


def _processes_in(folder: str) -> list[str]:
    """Return the processes that work in a folder or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "cwd").startswith(folder):
                found.append(process.name)
    return found


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_local_run_of_a_broken_bundle_lists_its_faults(skills: Path, tmp_path: Path) -> None:
    (skills / "greet" / "main.py").unlink()
    ran = subprocess.run(
        [*PURAS, "run", "greet", "--local", "--dir", str(skills)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ran.returncode == 1
    assert "greet/skill.yaml: $.entrypoint" in ran.stderr
