"""Judges the result of a run before the run ends, in the attempt that produced it.

So the score is part of the job's end: it is written with it, once, and no event follows the last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from puras.bundle.evals import Case, Evals
from puras.bundle.graders import Grader
from puras.server.evals.checks import Checks
from puras.server.evals.dataset import Datasets
from puras.server.evals.graded import Finding, Graded, score_of
from puras.server.evals.judge import Judge
from puras.server.evals.matching import exact_match, fits_schema
from puras.server.jobs.states import Ending
from puras.server.worker.run import Ground, Run
from puras.server.worker.spec import Lost


@dataclass(frozen=True, slots=True)
class EvalGrading:
    """The graders of a server; see `worker.run.Grading`."""

    datasets: Datasets
    checks: Checks
    judge: Judge

    def applies(self, run: Run) -> bool:
        """Runs of suites are judged, and those of skills that say `evals: {on_run: true}`."""
        fields = run.skill["extra"].get("evals")
        on_run = isinstance(fields, dict) and fields.get("on_run") is True
        return run.row["suite_id"] is not None or on_run

    async def grade(self, run: Run, ground: Ground, ending: Ending) -> Ending | Lost:
        """Return the ending with its score and what each grader found.

        Raises:
            Refused: `cost_limit`.
        """
        evals = await self.datasets.of(
            run.skill, deployment_id=run.deployment.id, folder=ground.skill_folder(run.skill)
        )
        case = _case(run, evals)
        material = {
            "inputs": json.loads(run.row["inputs"]),
            "result": json.loads(ending.result or "{}"),
            "expected": case.expected if case else None,
        }
        graded: list[Graded] = []
        for grader in evals.graders_of(case):
            if case is None and grader.kind == "exact_match":
                continue  # nothing is expected of an ordinary run
            began = time.monotonic()
            finding = await self._find(grader, run, ground, material)
            if isinstance(finding, Lost):
                return finding
            graded.append(Graded(grader, finding, (time.monotonic() - began) * 1000))
        return _scored(run, ending, graded)

    async def _find(
        self, grader: Grader, run: Run, ground: Ground, material: Mapping[str, Any]
    ) -> Finding | Lost:
        if grader.kind == "check":
            return await self.checks.check(grader, run, ground, material)
        if grader.kind == "rubric":
            return await self.judge.judge(grader, run, material)
        if grader.kind == "schema":
            return fits_schema(grader, material["result"], run.skill["output_schema"])
        return exact_match(grader, material["result"], material["expected"])


def _case(run: Run, evals: Evals) -> Case | None:
    case_id = run.row["eval_case"]
    return next((case for case in evals.cases if case.id == case_id), None) if case_id else None


def _scored(run: Run, ending: Ending, graded: list[Graded]) -> Ending:
    if not graded:
        return ending
    results = run.host.masker.value([one.shown() for one in graded])
    score, passed = score_of(graded), all(one.passed for one in graded)
    told = [{name: one[name] for name in ("name", "kind", "score", "passed")} for one in results]
    run.host.emit(
        "evals",
        {"score": score, "passed": passed, "graders": told},
        public={"score": score, "passed": passed},
    )
    text = json.dumps(results, ensure_ascii=False).encode("utf-8", "replace").decode()
    return replace(ending, eval_score=score, eval_results=text)
