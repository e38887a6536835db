"""Starting and stopping: first start, next start, a folder, and what keeps a server from it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from .conftest import PURAS, serving

ELSEWHERE = {"api_base": "https://elsewhere.example", "api_key": "puras_live_x.y"}


def serve(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected not to start."""
    return subprocess.run(
        [*PURAS, "serve", "--port", "0", "--data", str(home / "data"), *options],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_key_is_shown_at_the_first_start_only(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        assert first.key.startswith("puras_live_")
        assert first.stop() == 0
    with serving(tmp_path) as second:
        assert second.key == ""
        login = {"PURAS_API_BASE": second.base, "PURAS_API_KEY": first.key}
        assert second.puras("whoami", env=login).returncode == 0


def test_a_login_at_another_server_is_left_alone(tmp_path: Path) -> None:
    config = tmp_path / ".puras" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps(ELSEWHERE))
    with serving(tmp_path):
        assert json.loads(config.read_text()) == ELSEWHERE


def test_no_login_leaves_no_config(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-login"):
        assert not (tmp_path / ".puras").exists()


def test_a_person_is_told_where_it_listens_and_how_to_call_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PURAS, "serve", "--port", "0", "--data", str(tmp_path / "data")],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Stop it"):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        process.terminate()
        assert process.wait(20) == 0
    said = "".join(lines)
    kept = json.loads((tmp_path / ".puras" / "config.json").read_text())
    assert f"Puras listens on {kept['api_base']}" in said
    assert f"\n  {kept['api_key']}\n" in said
    assert "puras init my-skills && puras deploy my-skills" in said
    assert f"\n  export PURAS_API_BASE={kept['api_base']}\n" in said
    assert f"\n  export PURAS_API_KEY={kept['api_key']}\n" in said
    assert "curl " in said
    assert f"\n  {kept['api_base']}/login#" in said


def test_a_folder_is_served_as_skillpack_local(tmp_path: Path, skills: Path) -> None:
    with serving(tmp_path / "home", "--dir", str(skills)) as served:
        ran = served.puras("run", "local/greet", "-i", "name=Ada")
        assert json.loads(ran.stdout) == {"message": "Hello Ada"}


def test_a_broken_folder_keeps_the_server_from_starting(tmp_path: Path, skills: Path) -> None:
    (skills / "greet" / "skill.yaml").write_text("entrypoint: gone.py:run\n")
    done = serve(tmp_path, "--dir", str(skills))
    assert done.returncode == 1
    assert "greet/skill.yaml" in done.stderr


def test_two_servers_can_not_have_the_same_data(tmp_path: Path) -> None:
    with serving(tmp_path):
        done = serve(tmp_path)
    assert done.returncode == 1
    assert "data_in_use" in done.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve(tmp_path, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    assert "choose another --host or --port" in done.stderr


def test_a_disk_that_takes_nothing_more_is_told(tmp_path: Path) -> None:
    full = 'ulimit -f 0; exec "$@"'
    command = [*PURAS, "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        ["bash", "-c", full, "bash", *command],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "choose another --data folder" in done.stderr


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    done = serve(tmp_path, "--host", "192.0.2.1")
    assert done.returncode == 1
    assert "the address can't be had" in done.stderr


def test_a_setting_that_makes_no_sense_is_a_usage_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PURAS, "serve", "--data", str(tmp_path / "data")],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PURAS_CONCURRENCY": "many"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "PURAS_CONCURRENCY" in done.stderr


@pytest.mark.parametrize("options", [["--watch"], ["--dir", "/nowhere"], ["--port", "70000"]])
def test_a_senseless_start_is_a_usage_error(tmp_path: Path, options: list[str]) -> None:
    assert serve(tmp_path, *options).returncode == 2
    assert not (tmp_path / "data").exists()


def test_listening_beyond_this_machine_warns(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0", "--no-login"):
        pass
    assert "can be reached from other machines" in (tmp_path / "server.log").read_text()
