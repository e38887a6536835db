"""`replay`: a job once more."""

from __future__ import annotations

import json

from .conftest import Run
from .loopback import Loopback, an_id

JOB = an_id(300)


def test_a_replay_is_watched_and_its_result_printed(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "succeeded", "result": {"n": 1}}
    job = server.add_job(source="replay")
    server.script(f"POST /v1/jobs/{JOB}/replay", job, 201)
    result = puras("replay", JOB)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"n": 1}
    (asked,) = server.asked("POST", f"/v1/jobs/{JOB}/replay")
    assert asked.query == {}
    assert asked.headers["idempotency-key"]


def test_a_version_is_passed_on_and_nobody_waits(puras: Run, server: Loopback) -> None:
    job = server.add_job()
    server.script(f"POST /v1/jobs/{JOB}/replay", job, 201)
    result = puras("replay", JOB, "--version", "3", "--async")
    assert result.stdout == f"{job['id']}\n"
    assert server.seen[-1].query == {"version": "3"}


def test_a_job_that_fails_again_fails_the_command(puras: Run, server: Loopback) -> None:
    server.outcome = {"status": "failed", "error": "no", "error_code": "function_error"}
    server.script(f"POST /v1/jobs/{JOB}/replay", server.add_job(), 201)
    assert puras("replay", JOB).exit_code == 1


def test_a_version_that_is_gone_is_told(puras: Run, server: Loopback) -> None:
    server.refuse(f"POST /v1/jobs/{JOB}/replay", 404, "version_not_found")
    result = puras("replay", JOB)
    assert result.exit_code == 4
    assert "puras deployments" in result.stderr
