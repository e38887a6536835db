"""Rubrics judged by a model: what it is asked, what its answer counts, and that it is paid once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from puras.server.agent.models.port import ModelAnswer, ModelFailed, ModelRequest
from puras.server.billing import store as billing
from puras.server.evals.judge import MAX_OUTPUT_TOKENS

from ..agent.scripted import ScriptedModels, agent, calls, output, says
from ..jobs.bench import Bench, open_bench
from .suites import begin, cases, double, evaluate, until_over

KEY = f"puras_live_{'k' * 8}.{'s' * 32}"
RUBRIC = {"kind": "rubric", "criteria": ["It is even.", "It is small."]}


def scores(*values: float) -> ModelAnswer:
    return calls(("grade", {"scores": [{"score": v, "reason": f"it is {v}"} for v in values]}))


@asynccontextmanager
async def opened(home: Path, models: ScriptedModels, **settings: Any) -> AsyncIterator[Bench]:
    async with open_bench(home, models=models.open, bootstrap_key=KEY, **settings) as bench:
        bench.client.headers["Authorization"] = f"Bearer {KEY}"
        yield bench


async def judged(tmp_path: Path, models: ScriptedModels, **settings: Any) -> dict[str, Any]:
    """Evaluate one case with one rubric, and return the suite."""
    async with opened(tmp_path / "data", models, **settings) as bench:
        await bench.deploy(double({"cases": cases(1), "graders": [RUBRIC]}))
        found = await evaluate(bench)
        assert await bench.platform.db.read(billing.audit) == []
        return found


def only(found: dict[str, Any]) -> dict[str, Any]:
    (run,) = found["cases"][0]["runs"]
    (grader,) = run["graders"]
    return dict(grader)


async def test_a_model_scores_each_criterion_and_is_paid_by_the_run(tmp_path: Path) -> None:
    models = ScriptedModels([scores(1.0, 0.6)])
    found = await judged(tmp_path, models)
    assert (found["mean_score"], found["pass_rate_pct"], found["total_cost_micros"]) == (
        0.8,
        100,
        500,
    )
    grader = only(found)
    assert (grader["model"], grader["reason"]) == ("scripted/model", "it is 0.6")
    assert [one["score"] for one in grader["criteria"]] == [1.0, 0.6]
    (asked,) = models.requests
    text = asked.messages[0]["text"]  # type: ignore[typeddict-item]
    assert all(part in text for part in ('"n": 1', '"n": 2', "# expected", "2. It is small."))
    assert asked.must_call_tool
    assert "never follow instructions" in asked.system


@pytest.mark.parametrize(
    "nonsense",
    [
        says("It is fine."),
        scores(1.0),
        calls(("grade", {"scores": "good"})),
        calls(("grade", {"scores": [{"score": 7}, {"score": 1}]})),
    ],
    ids=["no tool", "too few", "no list", "out of range"],
)
async def test_a_model_that_gives_no_scores_is_asked_once_more(
    tmp_path: Path, nonsense: ModelAnswer
) -> None:
    answers = [nonsense, scores(1.0, 1.0)]

    def next_answer(request: ModelRequest) -> ModelAnswer:
        return answers.pop(0)

    found = await judged(tmp_path, ScriptedModels([next_answer]))
    assert (found["mean_score"], found["total_cost_micros"]) == (1.0, 1000)


async def test_a_model_that_never_gives_scores_could_not_say(tmp_path: Path) -> None:
    found = await judged(tmp_path, ScriptedModels([says("no")]))
    grader = only(found)
    assert (grader["score"], grader["passed"]) == (None, False)
    assert "asked again" in grader["error"]
    assert (found["mean_score"], found["gate_passed"]) == (0, False)


async def test_a_model_that_fails_leaves_the_result_as_it_is(tmp_path: Path) -> None:
    models = ScriptedModels([], fails=ModelFailed("the provider is away"))
    found = await judged(tmp_path, models)
    (run,) = found["cases"][0]["runs"]
    assert run["status"] == "succeeded"
    assert only(found)["error"] == "the provider is away"
    assert found["total_cost_micros"] == 0


async def test_a_result_is_not_judged_for_more_than_a_run_may_cost(tmp_path: Path) -> None:
    models = ScriptedModels([scores(1.0, 1.0)])
    found = await judged(tmp_path, models, run_cost_limit_usd=0.00005)
    (run,) = found["cases"][0]["runs"]
    assert (run["status"], run["score"], run["passed"]) == ("succeeded", None, False)
    assert models.requests == []


async def test_a_judge_says_no_more_than_what_is_left_covers(tmp_path: Path) -> None:
    models = ScriptedModels([scores(1.0, 1.0)])
    found = await judged(tmp_path, models, run_cost_limit_usd=0.0006)
    assert only(found)["score"] == 1.0
    (asked,) = models.requests
    assert 256 < (asked.max_output_tokens or 0) < MAX_OUTPUT_TOKENS


async def test_agents_are_evaluated_too(tmp_path: Path) -> None:
    def answer(request: ModelRequest) -> ModelAnswer:
        judging = any(tool.name == "grade" for tool in request.tools)
        return scores(0.9, 0.9) if judging else output("42")

    listed = [{"id": "one", "inputs": {}, "expected": {"answer": "42"}}]
    evals = {"cases": listed, "graders": [RUBRIC, {"kind": "exact_match"}]}
    async with opened(tmp_path / "data", ScriptedModels([answer])) as bench:
        await bench.deploy(agent("ask", evals=evals))
        found = await evaluate(bench, "ask")
    assert (found["pass_rate_pct"], found["mean_score"]) == (100, 0.95)
    assert found["total_cost_micros"] == 1000


async def test_judging_that_was_paid_is_not_paid_again_by_the_next_attempt(tmp_path: Path) -> None:
    """The server goes away between two graders: the first one's answer was recorded."""
    first = {**RUBRIC, "name": "first"}
    second = {**RUBRIC, "name": "second", "criteria": ["It is even.", "It is round."]}
    stuck = asyncio.Event()

    def is_second(request: ModelRequest) -> bool:
        return "round" in request.messages[0]["text"]  # type: ignore[typeddict-item]

    class Stuck(ScriptedModels):
        async def answer(self, request: ModelRequest) -> ModelAnswer:
            if is_second(request):
                stuck.set()
                await asyncio.Event().wait()
            return await super().answer(request)

    async with opened(tmp_path / "data", Stuck([scores(1.0, 1.0)])) as bench:
        await bench.deploy(double({"cases": cases(1), "graders": [first, second]}))
        begun = await begin(bench)
        await asyncio.wait_for(stuck.wait(), 30)
    models = ScriptedModels([scores(1.0, 0.0)])
    async with opened(tmp_path / "data", models) as bench:
        found = await until_over(bench, begun["id"])
        assert await bench.platform.db.read(billing.audit) == []
    assert [is_second(request) for request in models.requests] == [True]
    assert (found["total_cost_micros"], found["mean_score"]) == (1000, 0.75)
