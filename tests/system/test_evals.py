"""Suites of evals from the command line, and when servers and workers are killed amid of them."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from ..postgres import PostgresServer
from .conftest import Served, serving, working
from .test_crash import wait_until

NAP = """\
import time

def run(n):
    time.sleep(0.3)
    return {"n": 2 * n}
"""
CHECK = """\
def is_double(inputs, result, expected):
    return result["n"] == 2 * inputs["n"]
"""
RUNS = 16


@pytest.fixture
def naps(tmp_path: Path) -> Path:
    skill = tmp_path / "naps" / "nap"
    (skill / "evals").mkdir(parents=True)
    (skill / "main.py").write_text(NAP)
    (skill / "evals" / "checks.py").write_text(CHECK)
    cases = [{"id": f"n{n}", "inputs": {"n": n}, "expected": {"n": 2 * n}} for n in range(RUNS)]
    lines = "\n".join(json.dumps(case) for case in cases)
    (skill / "evals" / "cases.jsonl").write_text(lines)
    (skill / "skill.yaml").write_text(
        "description: Naps.\nentrypoint: main.py:run\n"
        "input_schema: {type: object, properties: {n: {type: integer}}, required: [n]}\n"
        "evals:\n  dataset: evals/cases.jsonl\n  graders:\n    - kind: exact_match\n"
        "    - {kind: check, entrypoint: evals/checks.py:is_double}\n"
    )
    return skill.parent


def report(served: Served, suite_id: str, key: str = "") -> dict[str, Any]:
    env = {"PURAS_API_BASE": served.base} | ({"PURAS_API_KEY": key} if key else {})
    shown = served.puras("eval-report", suite_id, "--output", "json", env=env)
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def begin(served: Served, naps: Path, key: str = "") -> str:
    env = {"PURAS_API_BASE": served.base} | ({"PURAS_API_KEY": key} if key else {})
    deployed = served.puras("deploy", str(naps), env=env)
    assert deployed.returncode == 0, deployed.stderr
    begun = served.puras("eval", "naps/nap", "--async", env=env)
    assert begun.returncode == 0, begun.stderr
    return begun.stdout.strip()


def check_whole(found: dict[str, Any]) -> None:
    assert (found["status"], found["completed_runs"]) == ("completed", RUNS)
    assert (found["pass_rate_pct"], found["gate_passed"]) == (100, True)
    assert [grader["runs"] for grader in found["graders"]] == [RUNS, RUNS]


@pytest.mark.slow
def test_a_suite_runs_from_a_folder_without_a_server(tmp_path: Path, naps: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    served = Served("", "", home, home / "data", None)  # type: ignore[arg-type]
    options = ("--local", "--dir", str(naps), "--case", "n1", "--case", "n2")
    good = served.puras("eval", "nap", *options, "--output", "json")
    assert (good.returncode, json.loads(good.stdout)["pass_rate_pct"]) == (0, 100)
    (naps / "nap" / "main.py").write_text("def run(n):\n    return {'n': 2}\n")
    bad = served.puras("eval", "nap", *options)
    assert bad.returncode == 1
    assert "50.0 % of the runs passed, and 100 % have to" in bad.stderr
    assert "n: 2 instead of 4" in bad.stdout


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_suite_goes_on_when_its_server_is_killed_and_started_again(
    tmp_path: Path, naps: Path
) -> None:
    home = tmp_path / "home"
    with serving(home) as served:
        suite_id = begin(served, naps)
        wait_until(lambda: report(served, suite_id)["completed_runs"] >= 3)
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()
    with serving(home) as served:
        wait_until(lambda: report(served, suite_id)["status"] == "completed", seconds=120)
        check_whole(report(served, suite_id))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_suite_goes_on_in_another_worker_when_one_is_killed(
    tmp_path: Path, naps: Path, postgres: PostgresServer
) -> None:
    env = {"PURAS_DATABASE_URL": postgres.fresh()}
    home = tmp_path / "home"
    with (
        serving(home, "--no-worker", env=env) as served,
        working(home, env=env) as doomed,
        working(home, env=env),
    ):
        suite_id = begin(served, naps, served.key)
        wait_until(lambda: report(served, suite_id, served.key)["completed_runs"] >= 3)
        doomed.send_signal(signal.SIGKILL)
        wait_until(
            lambda: report(served, suite_id, served.key)["status"] == "completed", seconds=150
        )
        check_whole(report(served, suite_id, served.key))
