"""What became of a suite, from the rows of its jobs. Pure: it fetches nothing."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from puras import wire
from puras.server.clock import iso, iso_or_none
from puras.server.db.database import Row
from puras.server.evals.store import Suite

_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True)
class _Run:
    """A suite's job, read. `score` counts what could not be judged as 0."""

    row: Row
    results: list[dict[str, Any]]

    @property
    def is_over(self) -> bool:
        return self.row["status"] in wire.TERMINAL_STATUSES

    @property
    def passed(self) -> bool:
        return bool(self.results) and all(result["passed"] for result in self.results)

    @property
    def score(self) -> float:
        return float(self.row["eval_score"] or 0.0)

    @property
    def latency_ms(self) -> float | None:
        """The time to the result: the run's, without that of its graders."""
        began, ended = self.row["started_at"], self.row["finished_at"]
        if began is None or ended is None:
            return None
        judging = sum(float(result["duration_ms"]) for result in self.results)
        return max(0.0, float(ended - began) / _MILLISECOND - judging)


def report(suite: Suite, rows: Iterable[Row]) -> wire.EvalReport:
    """Return a suite with its cases."""
    read = [_Run(row, json.loads(row["eval_results"] or "[]")) for row in rows]
    cases = [_case(case_id, tags, read) for case_id, tags in suite.cases]
    return {**_summary(suite, read), "cases": cases}


def summary(suite: Suite, rows: Iterable[Row]) -> wire.EvalSummary:
    """Return a suite without its cases."""
    return _summary(suite, [_Run(row, json.loads(row["eval_results"] or "[]")) for row in rows])


def _summary(suite: Suite, runs: list[_Run]) -> wire.EvalSummary:
    over = [run for run in runs if run.is_over]
    scores = [run.score for run in over]
    passed = sum(run.passed for run in over)
    costs = [int(run.row["cost_micros"]) for run in over]
    status = _status(suite, runs, over)
    return {
        "id": suite.id,
        "status": status,
        "skillpack": suite.skillpack,
        "skill_name": suite.skill_name,
        "version": suite.version,
        "repeat": suite.repeat,
        "pass_rate_pct": _rounded(100 * passed / len(over) if over else 0.0),
        "mean_score": _mean(scores),
        "score_stddev": _rounded(statistics.pstdev(scores)) if scores else 0.0,
        "completed_runs": len(over),
        "total_runs": suite.total_runs,
        "total_cost_micros": sum(costs),
        "mean_cost_micros": round(statistics.fmean(costs)) if costs else 0,
        "mean_latency_ms": _mean([ms for run in over if (ms := run.latency_ms) is not None]),
        "threshold": suite.threshold,
        "graders": [_grader(name, kind, over) for name, kind in suite.graders],
        "gate_passed": _gate(suite, status, passed),
        "created_at": iso(suite.created_at),
        "finished_at": _finished_at(status, over),
    }


def _status(suite: Suite, runs: list[_Run], over: list[_Run]) -> wire.EvalStatus:
    if suite.cancelled_at is not None:
        return "cancelled"
    if len(over) == len(runs):
        return "completed"
    return "running" if over or any(run.row["attempt"] > 0 for run in runs) else "queued"


def _gate(suite: Suite, status: wire.EvalStatus, passed: int) -> bool | None:
    if status == "cancelled":
        return False
    return passed >= suite.threshold * suite.total_runs if status == "completed" else None


def _finished_at(status: wire.EvalStatus, over: list[_Run]) -> str | None:
    if status not in ("completed", "cancelled"):
        return None
    return iso_or_none(max((run.row["finished_at"] for run in over), default=None))


def _grader(name: str, kind: str, over: Sequence[_Run]) -> wire.EvalGrader:
    found = [
        result
        for run in over
        for result in run.results
        if (result["name"], result["kind"]) == (name, kind)
    ]
    return {
        "name": name,
        "kind": cast("wire.GraderKind", kind),
        "mean_score": _mean([result["score"] or 0.0 for result in found]),
        "pass_rate": _mean([float(result["passed"]) for result in found]),
        "runs": len(found),
    }


def _case(case_id: str, tags: list[str], runs: Iterable[_Run]) -> wire.EvalCase:
    own = [run for run in runs if run.row["eval_case"] == case_id]
    over = [run for run in own if run.is_over]
    return {
        "id": case_id,
        "tags": tags,
        "pass_rate": _mean([float(run.passed) for run in over]),
        "mean_score": _mean([run.score for run in over]),
        "runs": [_run(run) for run in own],
    }


def _run(run: _Run) -> wire.EvalRun:
    return {
        "job_id": run.row["id"],
        "status": run.row["status"],
        "score": run.row["eval_score"],
        "passed": run.passed,
        "error": run.row["error"],
        "graders": run.results,
    }


def diff(base: wire.EvalReport, head: wire.EvalReport) -> wire.EvalDiff:
    """Compare two suites of a skill."""
    return {
        "skill_name": head["skill_name"],
        "base": _without_cases(base),
        "head": _without_cases(head),
        "pass_rate_pct_delta": _rounded(head["pass_rate_pct"] - base["pass_rate_pct"]),
        "mean_score_delta": _rounded(head["mean_score"] - base["mean_score"]),
        "mean_cost_micros_delta": head["mean_cost_micros"] - base["mean_cost_micros"],
        "mean_latency_ms_delta": _rounded(head["mean_latency_ms"] - base["mean_latency_ms"]),
        "graders": _graders_diff(base, head),
        "cases": _cases_diff(base, head),
    }


def _without_cases(full: wire.EvalReport) -> wire.EvalSummary:
    short = {name: value for name, value in full.items() if name != "cases"}
    return cast("wire.EvalSummary", short)


def _graders_diff(base: wire.EvalReport, head: wire.EvalReport) -> list[wire.EvalGraderDiff]:
    def key(grader: wire.EvalGrader) -> tuple[str, wire.GraderKind]:
        return grader["name"], grader["kind"]

    before = {key(grader): grader for grader in base["graders"]}
    after = {key(grader): grader for grader in head["graders"]}
    return [
        {
            "name": name,
            "kind": kind,
            "base_mean_score": _of(before.get((name, kind)), lambda one: one["mean_score"]),
            "head_mean_score": _of(after.get((name, kind)), lambda one: one["mean_score"]),
            "base_pass_rate": _of(before.get((name, kind)), lambda one: one["pass_rate"]),
            "head_pass_rate": _of(after.get((name, kind)), lambda one: one["pass_rate"]),
        }
        for name, kind in {**after, **before}
    ]


_ORDER: tuple[wire.EvalChange, ...] = ("regressed", "improved", "added", "removed", "same")


def _cases_diff(base: wire.EvalReport, head: wire.EvalReport) -> list[wire.EvalCaseDiff]:
    before = {case["id"]: case for case in base["cases"]}
    after = {case["id"]: case for case in head["cases"]}
    compared: list[wire.EvalCaseDiff] = [
        {
            "id": case_id,
            "change": _change(before.get(case_id), after.get(case_id)),
            "base_mean_score": _of(before.get(case_id), lambda one: one["mean_score"]),
            "head_mean_score": _of(after.get(case_id), lambda one: one["mean_score"]),
            "base_pass_rate": _of(before.get(case_id), lambda one: one["pass_rate"]),
            "head_pass_rate": _of(after.get(case_id), lambda one: one["pass_rate"]),
        }
        for case_id in {**after, **before}
    ]
    return sorted(compared, key=lambda case: _ORDER.index(case["change"]))


def _change(base: wire.EvalCase | None, head: wire.EvalCase | None) -> wire.EvalChange:
    """A case is better or worse by its pass rate first, then by its score."""
    if base is None or head is None:
        return "added" if base is None else "removed"
    before = (base["pass_rate"], base["mean_score"])
    after = (head["pass_rate"], head["mean_score"])
    if before == after:
        return "same"
    return "improved" if after > before else "regressed"


def _of(found: Any, take: Callable[[Any], float]) -> float | None:
    return None if found is None else take(found)


def _mean(values: Sequence[float]) -> float:
    return _rounded(statistics.fmean(values)) if values else 0.0


def _rounded(value: float) -> float:
    return round(value, 6)
