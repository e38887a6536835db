"""Evals as a person reads them: figures first, then graders, then the cases that did not pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from puras.cli import output
from puras.wire import EvalCase, EvalDiff, EvalReport, EvalRun, EvalSummary

_LONGEST_REASON = 160


def draw_report(found: EvalReport) -> None:
    """Write a suite: its figures, its graders, its cases."""
    output.fields(_figures(found))
    click.echo()
    output.table(
        ["GRADER", "KIND", "SCORE", "PASSED", "RUNS"],
        [
            [
                grader["name"],
                grader["kind"],
                _score(grader["mean_score"]),
                _percent(100 * grader["pass_rate"]),
                grader["runs"],
            ]
            for grader in found["graders"]
        ],
        empty="No graders.",
    )
    click.echo()
    output.table(
        ["CASE", "PASSED", "SCORE", "JOB", "WHY NOT"],
        [_case_row(case) for case in found["cases"]],
        empty="No cases.",
    )


def _figures(found: EvalSummary) -> dict[str, Any]:
    gate = {None: "not over yet", True: "passed", False: "failed"}[found["gate_passed"]]
    return {
        "suite": found["id"],
        "skill": f"{found['skillpack']}/{found['skill_name']}, version {found['version']}",
        "status": found["status"],
        "runs": f"{found['completed_runs']} of {found['total_runs']}",
        "passed": f"{_percent(found['pass_rate_pct'])}, at least "
        f"{_percent(100 * found['threshold'])}: {gate}",
        "score": f"{_score(found['mean_score'])} ± {_score(found['score_stddev'])}",
        "cost": f"{output.usd(found['total_cost_micros'])}, "
        f"{output.usd(found['mean_cost_micros'])} a run",
        "time": f"{found['mean_latency_ms'] / 1000:.2f} s a run",
    }


def _case_row(case: EvalCase) -> list[Any]:
    over = [run for run in case["runs"] if run["status"] not in ("queued", "running")]
    failed = next((run for run in over if not run["passed"]), None)
    shown = failed or (case["runs"][0] if case["runs"] else None)
    return [
        case["id"],
        f"{sum(run['passed'] for run in over)}/{len(case['runs'])}",
        _score(case["mean_score"]) if over else None,
        shown and shown["job_id"],
        _why(failed) if failed else None,
    ]


def _why(run: EvalRun) -> str:
    """Say in short why a run did not pass."""
    if run["error"]:
        return _shortened(run["error"])
    wrong = [grader for grader in run["graders"] if not grader["passed"]]
    told = [f"{one['name']}: {one['error'] or one['reason'] or 'no'}" for one in wrong]
    return _shortened("; ".join(told) or "it was not judged")


def drafted(found: EvalReport) -> list[str]:
    """Return the graders that a draft stood in for."""
    graders = [one for case in found["cases"] for run in case["runs"] for one in run["graders"]]
    return sorted({f"`{one['name']}`" for one in graders if one.get("draft")})


def draw_suites(suites: Sequence[EvalSummary]) -> None:
    """Write suites, one a line."""
    output.table(
        ["ID", "SKILL", "VERSION", "STATUS", "RUNS", "PASSED", "SCORE", "GATE", "CREATED"],
        [
            [
                suite["id"],
                suite["skill_name"],
                suite["version"],
                suite["status"],
                f"{suite['completed_runs']}/{suite['total_runs']}",
                _percent(suite["pass_rate_pct"]),
                _score(suite["mean_score"]),
                suite["gate_passed"],
                output.moment(suite["created_at"]),
            ]
            for suite in suites
        ],
        empty="No evals yet. Run some: puras eval SKILL",
    )


def draw_diff(found: EvalDiff) -> None:
    """Write two suites side by side, then the cases that are not as they were."""
    base, head = found["base"], found["head"]
    output.table(
        ["", f"BASE (v{base['version']})", f"HEAD (v{head['version']})", "CHANGE"],
        [
            [
                "passed",
                _percent(base["pass_rate_pct"]),
                _percent(head["pass_rate_pct"]),
                f"{found['pass_rate_pct_delta']:+.1f} %",
            ],
            [
                "score",
                _score(base["mean_score"]),
                _score(head["mean_score"]),
                f"{found['mean_score_delta']:+.3f}",
            ],
            [
                "cost a run",
                output.usd(base["mean_cost_micros"]),
                output.usd(head["mean_cost_micros"]),
                f"{found['mean_cost_micros_delta'] / 1_000_000:+.6f}",
            ],
            [
                "time a run",
                f"{base['mean_latency_ms'] / 1000:.2f} s",
                f"{head['mean_latency_ms'] / 1000:.2f} s",
                f"{found['mean_latency_ms_delta'] / 1000:+.2f} s",
            ],
        ],
        empty="",
    )
    click.echo()
    output.table(
        ["CASE", "CHANGE", "BASE", "HEAD"],
        [
            [
                case["id"],
                case["change"],
                _maybe(case["base_mean_score"]),
                _maybe(case["head_mean_score"]),
            ]
            for case in found["cases"]
            if case["change"] != "same"
        ],
        empty="Every case fares as before.",
    )


def _percent(value: float) -> str:
    return f"{value:.1f} %"


def _score(value: float) -> str:
    return f"{value:.3f}"


def _maybe(value: float | None) -> str | None:
    return None if value is None else _score(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
