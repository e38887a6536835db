"""`eval`, `eval-report`, `eval-diff`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Run
from .loopback import NOW, Loopback, an_id

ID = an_id(800)
JOB = an_id(801)
SUMMARY: dict[str, Any] = {
    "id": ID,
    "status": "completed",
    "skillpack": "triage",
    "skill_name": "ticket",
    "version": 3,
    "repeat": 1,
    "pass_rate_pct": 50.0,
    "mean_score": 0.75,
    "score_stddev": 0.25,
    "completed_runs": 2,
    "total_runs": 2,
    "total_cost_micros": 30_000,
    "mean_cost_micros": 15_000,
    "mean_latency_ms": 1500.0,
    "threshold": 0.5,
    "graders": [
        {
            "name": "label",
            "kind": "exact_match",
            "mean_score": 0.75,
            "pass_rate": 0.5,
            "runs": 2,
        }
    ],
    "gate_passed": True,
    "created_at": NOW,
    "finished_at": NOW,
}


def grader(passed: bool, reason: str) -> dict[str, Any]:
    return {"name": "label", "passed": passed, "reason": reason, "error": None}


def case(name: str, passed: bool, reason: str = "") -> dict[str, Any]:
    run = {
        "job_id": JOB,
        "status": "succeeded",
        "score": float(passed),
        "passed": passed,
        "error": None,
        "graders": [grader(passed, reason)],
    }
    return {
        "id": name,
        "tags": [],
        "pass_rate": float(passed),
        "mean_score": float(passed),
        "runs": [run],
    }


CASES = [case("good", True), case("bad", False, "label: 'a' instead of 'b'")]
REPORT = SUMMARY | {"cases": CASES}
FAILED = REPORT | {"gate_passed": False, "threshold": 0.9}


def test_a_suite_is_started_watched_and_shown(puras: Run, server: Loopback) -> None:
    begun = REPORT | {"status": "queued", "completed_runs": 0, "gate_passed": None}
    server.script("POST /v1/skillpacks/triage/evals", begun, 201)
    server.script(f"GET /v1/evals/{ID}", REPORT)
    result = puras("eval", "triage/ticket")
    assert result.exit_code == 0
    (seen,) = server.asked("POST", "/v1/skillpacks/triage/evals")
    assert seen.json == {"skill": "ticket"}
    assert seen.headers["idempotency-key"]
    assert f"Suite {ID}: 2 runs" in result.stderr
    assert "50.0 %, at least 50.0 %: passed" in result.stdout
    assert "bad\t0/1\t0.000\t" + JOB + "\tlabel: label: 'a' instead of 'b'" in result.stdout


def test_the_command_fails_below_the_threshold(puras: Run, server: Loopback) -> None:
    server.script("POST /v1/skillpacks/triage/evals", FAILED, 201)
    options = (
        "--threshold",
        "0.9",
        "--repeat",
        "2",
        "--version",
        "3",
        "--case",
        "a",
        "--case",
        "b",
    )
    result = puras("eval", "triage/ticket", *options)
    assert result.exit_code == 1
    assert server.seen[-1].json == {
        "skill": "ticket",
        "version": 3,
        "repeat": 2,
        "threshold": 0.9,
        "case_ids": ["a", "b"],
    }
    assert "50.0 % of the runs passed, and 90 % have to" in result.stderr


def test_json_is_the_whole_report_and_the_failure_beside_it(puras: Run, server: Loopback) -> None:
    server.script("POST /v1/skillpacks/triage/evals", FAILED, 201)
    result = puras("eval", "triage/ticket", "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, FAILED)
    assert json.loads(result.stderr)["code"] == "gate_failed"


def test_a_suite_can_be_left_to_itself(puras: Run, server: Loopback) -> None:
    server.script("POST /v1/skillpacks/triage/evals", REPORT | {"status": "queued"}, 201)
    assert puras("eval", "ticket", "--skillpack", "triage", "--async").stdout == f"{ID}\n"


@pytest.mark.parametrize(
    "options",
    [
        ["--local", "--async"],
        ["--local", "--version", "3"],
        ["--model", "local/draft"],
        ["--threshold", "90"],
        ["--repeat", "0"],
    ],
)
def test_options_that_make_no_sense_are_refused(
    puras: Run, server: Loopback, options: list[str]
) -> None:
    assert puras("eval", "triage/ticket", *options).exit_code == 2
    assert server.seen == []


def test_a_skillpack_has_to_be_known(puras: Run, server: Loopback) -> None:
    assert puras("eval", "ticket").exit_code == 2


def test_a_report_is_shown_and_tells_whether_it_passed(puras: Run, server: Loopback) -> None:
    server.script(f"GET /v1/evals/{ID}", REPORT)
    assert puras("eval-report", ID).exit_code == 0
    server.script(f"GET /v1/evals/{ID}", FAILED)
    assert puras("eval-report", ID).exit_code == 1
    server.script(f"POST /v1/evals/{ID}/cancel", FAILED | {"status": "cancelled"})
    assert "cancelled" in puras("eval-report", ID, "--cancel").stdout
    assert puras("eval-report", "--cancel").exit_code == 2


def test_scores_of_a_draft_are_told_to_be_made_up(puras: Run, server: Loopback) -> None:
    drafted = case("one", True)
    drafted["runs"][0]["graders"][0]["draft"] = True
    server.script(f"GET /v1/evals/{ID}", REPORT | {"cases": [drafted]})
    assert "Nothing judged `label`" in puras("eval-report", ID).stderr
    server.script(f"GET /v1/evals/{ID}", REPORT)
    assert "Nothing judged" not in puras("eval-report", ID).stderr


def test_a_suite_that_does_not_exist_says_how_to_find_others(puras: Run, server: Loopback) -> None:
    server.refuse(f"GET /v1/evals/{ID}", 404, "eval_not_found")
    result = puras("eval-report", ID)
    assert result.exit_code == 4
    assert "puras eval-report --skillpack" in result.stderr


def test_suites_are_listed(puras: Run, server: Loopback) -> None:
    server.script("GET /v1/skillpacks/triage/evals", [SUMMARY])
    (line,) = puras("eval-report", "--skillpack", "triage").stdout.splitlines()
    assert line.split("\t")[1:8] == ["ticket", "3", "completed", "2/2", "50.0 %", "0.750", "yes"]


def test_two_suites_are_compared(puras: Run, server: Loopback) -> None:
    cases = [
        {"id": "bad", "change": "regressed", "base_mean_score": 1.0, "head_mean_score": 0.0},
        {"id": "new", "change": "added", "base_mean_score": None, "head_mean_score": 1.0},
        {"id": "old", "change": "same", "base_mean_score": 1.0, "head_mean_score": 1.0},
    ]
    diff = {
        "skill_name": "ticket",
        "base": SUMMARY,
        "head": SUMMARY | {"version": 4},
        "pass_rate_pct_delta": -25.0,
        "mean_score_delta": 0.125,
        "mean_cost_micros_delta": -5_000,
        "mean_latency_ms_delta": 250.0,
        "graders": [],
        "cases": cases,
    }
    server.script("GET /v1/skillpacks/triage/evals/diff", diff)
    shown = puras("eval-diff", "triage/ticket", "3", "4").stdout
    assert server.seen[-1].query == {"skill": "ticket", "base": "3", "head": "4"}
    assert "passed\t50.0 %\t50.0 %\t-25.0 %" in shown
    assert "cost a run\t$0.015000\t$0.015000\t-0.005000" in shown
    assert "bad\tregressed\t1.000\t0.000\nnew\tadded\t-\t1.000\n" in shown
    assert "old" not in shown
