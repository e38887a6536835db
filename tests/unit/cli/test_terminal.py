"""What only real processes show: drawing on a terminal, Ctrl-C, a reader that goes away."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .loopback import KEY, Loopback

PURAS = [sys.executable, "-m", "puras.cli.main"]


@pytest.fixture
def environment(server: Loopback, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH",)}
    login = {"PURAS_API_BASE": server.base, "PURAS_API_KEY": KEY}
    return kept | login | {"HOME": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "100"}


def on_a_terminal(arguments: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    """Run with stderr on a terminal and stdout in a pipe: exit code, stdout, what was drawn."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PURAS, *arguments], env=environment, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        drawn = b""
        while chunk := _read(ours):
            drawn += chunk
        os.close(ours)
        stdout, _ = process.communicate(timeout=20)
    return process.returncode, stdout.decode(), drawn.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the last writer has closed it
        return b""


def test_on_a_terminal_a_run_is_drawn_and_stdout_has_the_result_alone(
    server: Loopback, environment: dict[str, str]
) -> None:
    server.say("log", level="warning", message="watch out [bold]")
    server.say("progress", fraction=0.5, message="half way")
    server.outcome = {"status": "succeeded", "result": {"a": 1}}
    code, stdout, drawn = on_a_terminal(["run", "g/hello"], environment)
    assert (code, json.loads(stdout)) == (0, {"a": 1})
    assert "watch out [bold]" in drawn
    assert "half way" in drawn or "succeeded" in drawn
    assert "\x1b[33m" in drawn
    assert drawn.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in drawn


def test_no_color_is_honoured(server: Loopback, environment: dict[str, str]) -> None:
    server.say("log", level="warning", message="watch out")
    _, _, drawn = on_a_terminal(["run", "g/hello"], environment | {"NO_COLOR": "1"})
    assert "watch out" in drawn
    assert "\x1b[33m" not in drawn


def test_a_log_can_not_write_escapes_to_the_terminal(
    server: Loopback, environment: dict[str, str]
) -> None:
    server.say("log", level="info", message="\x1b]0;owned\x07")
    _, _, drawn = on_a_terminal(["run", "g/hello"], environment)
    assert "\x1b]0;owned" not in drawn
    assert "\\x1b]0;owned\\x07" in drawn


@pytest.mark.parametrize("command", [["run", "g/hello"], ["logs"]])
def test_ctrl_c_stops_watching_and_says_that_the_job_goes_on(
    server: Loopback, environment: dict[str, str], command: list[str]
) -> None:
    server.silent = True
    arguments = command if command[0] == "run" else ["logs", server.add_job()["id"]]
    with subprocess.Popen(
        [*PURAS, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert server.streaming.wait(20)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    job_id = server.jobs[0]["id"]
    assert process.returncode == 130
    assert f"Error: interrupted; job {job_id} goes on" in stderr.decode()
    assert f"puras logs {job_id}, or stop it: puras cancel {job_id}" in stderr.decode()
    assert server.asked("POST", f"/v1/jobs/{job_id}/cancel") == []


def test_a_reader_that_goes_away_ends_the_command_quietly(
    server: Loopback, environment: dict[str, str]
) -> None:
    for _ in range(400):
        server.add_job()
    with subprocess.Popen(
        [*PURAS, "jobs", "--limit", "400", "--output", "json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, stderr = process.communicate(timeout=20)
    assert b"Traceback" not in stderr


def test_an_upload_is_drawn_with_a_bar(
    server: Loopback, environment: dict[str, str], tmp_path: Path
) -> None:
    subprocess.run([*PURAS, "init", str(tmp_path / "my-skills")], env=environment, check=True)
    code, stdout, drawn = on_a_terminal(["deploy", str(tmp_path / "my-skills")], environment)
    assert code == 0
    assert "Version 1 of my-skills" in stdout
    assert "Uploading to my-skills" in drawn
    assert "━" in drawn
