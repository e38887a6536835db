"""What each kind of grader says of results, and that judging costs once."""

from __future__ import annotations

from typing import Any

import pytest

from puras.bundle.graders import Grader
from puras.server.evals.checks import finding_of
from puras.server.evals.graded import Finding, Graded, score_of
from puras.server.evals.matching import exact_match, fits_schema

from ..jobs.bench import Bench
from .suites import EXACT, Evaluated, N, cases, double, evaluate


def grader(kind: Any = "exact_match", *, weight: float = 1, **more: Any) -> Grader:
    return Grader(kind, kind, weight, more.pop("threshold", 1.0), **more)


@pytest.mark.parametrize(
    ("paths", "result", "expected", "score"),
    [
        ((), {"a": 1, "b": 2}, {"a": 1}, 1.0),
        ((), {"a": 1, "b": 2}, {"a": 1, "b": 3}, 0.5),
        ((), {"a.b": 1}, {"a.b": 1}, 1.0),
        ((), {}, {"a": None}, 0.0),
        ((), {}, {}, 1.0),
        (("a.b[1]", "c"), {"a": {"b": [0, 7]}, "c": 1}, {"a": {"b": [5, 7]}, "c": 2}, 0.5),
        (("a[0]",), {"a": []}, {"a": [1]}, 0.0),
        (("z",), {"z": 1}, {"a": 1}, 0.0),
        (("a",), {"a": 1.0}, {"a": 1}, 1.0),
        (("a",), {"a": True}, {"a": 1}, 0.0),
        (("a",), {"a": 0.1 + 0.2}, {"a": 0.3}, 1.0),
        (("a",), {"a": [{"b": True}]}, {"a": [{"b": True}]}, 1.0),
        (("a",), {"a": [1, 2]}, {"a": [2, 1]}, 0.0),
        (("a",), {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, 0.0),
    ],
)
def test_exact_match_scores_the_share_of_places_that_are_as_expected(
    paths: tuple[str, ...], result: Any, expected: Any, score: float
) -> None:
    assert exact_match(grader(paths=paths), result, expected).score == score


def test_exact_match_says_what_differs_and_what_it_can_not_tell() -> None:
    found = exact_match(grader(), {"a": "x" * 500}, {"a": 1, "b": 2})
    assert found.reason.startswith("a: 'xxx")
    assert found.reason.endswith("… instead of 1; b: nothing instead of 2")
    assert exact_match(grader(), {}, None).score is None


def test_a_schema_of_its_own_or_that_of_the_skill_is_looked_at() -> None:
    own = grader("schema", schema={"properties": {"n": {"minimum": 3}}})
    assert fits_schema(own, {"n": 3}, None).score == 1.0
    wrong = fits_schema(own, {"n": 2}, None)
    assert (wrong.score, "$.n" in wrong.reason) == (0.0, True)
    of_skill = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert fits_schema(grader("schema"), {"n": 1}, of_skill).score == 1.0
    assert fits_schema(grader("schema"), {}, of_skill).score == 0.0


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (True, Finding(1.0)),
        (False, Finding(0.0)),
        (0.25, Finding(0.25)),
        (1, Finding(1.0)),
        ({"score": 0.5, "reason": "half"}, Finding(0.5, "half")),
        ({"score": True}, Finding(1.0)),
    ],
)
def test_a_check_returns_a_flag_a_number_or_a_score_with_its_reason(
    returned: Any, expected: Finding
) -> None:
    assert finding_of(returned) == expected


@pytest.mark.parametrize("returned", [None, 2, -0.1, "yes", [], {"score": "1"}, {"reason": "x"}])
def test_a_check_that_returns_anything_else_could_not_say(returned: Any) -> None:
    found = finding_of(returned)
    assert found.score is None
    assert found.error is not None
    assert "a check returns" in found.error


def test_the_score_is_the_weighted_mean_and_none_where_a_grader_could_not_say() -> None:
    one, other = Graded(grader(weight=3), Finding(1.0)), Graded(grader(), Finding(0.0))
    assert score_of([one, other]) == 0.75
    assert score_of([one, Graded(grader(), Finding(None, error="no"))]) is None
    assert score_of([]) is None


def test_a_grader_passes_from_its_threshold_on() -> None:
    assert Graded(grader(threshold=0.5), Finding(0.5)).passed
    assert not Graded(grader(threshold=0.5), Finding(0.49)).passed
    assert not Graded(grader(threshold=0.0), Finding(None)).passed


CHECK = """
import os
import puras

def judge(inputs, result, expected):
    print("looking at", result["n"])
    assert os.environ["TOKEN"]
    return {"score": 0.5, "reason": f"{inputs['n']} {expected['n']} {os.environ['TOKEN']}"}

def broken(inputs, result, expected):
    raise ValueError("no idea")

def escapes(inputs, result, expected):
    puras.drive.write("jobs/x", b"")

def hangs(inputs, result, expected):
    os._exit(3)

async def later(inputs, result, expected):
    return True
"""


def check(name: str) -> dict[str, Any]:
    return {"kind": "check", "name": name, "entrypoint": f"evals/checks.py:{name}"}


async def test_checks_run_apart_and_their_secrets_stay_hidden(bench: Bench) -> None:
    names = ("judge", "broken", "escapes", "hangs", "later")
    evals = {"cases": cases(1), "graders": [check(name) for name in names]}
    await bench.deploy(double(evals, evals__checks=CHECK))
    secret = {"name": "TOKEN", "value": "s3cret-value"}
    await bench.client.put("/v1/skillpacks/pack/secrets", json=secret)
    found = await evaluate(bench)
    (run,) = found["cases"][0]["runs"]
    told = {one["name"]: one for one in run["graders"]}
    assert (told["judge"]["score"], told["judge"]["passed"]) == (0.5, True)
    assert told["judge"]["reason"] == "1 2 ••••"
    assert "no idea" in told["broken"]["error"]
    assert "only reads" in told["escapes"]["error"]
    assert told["hangs"]["error"].startswith("the check failed")
    assert told["later"]["passed"] is True, told["later"]["error"]
    assert (run["status"], run["score"], run["passed"]) == ("succeeded", None, False)
    lines = [
        e["payload"]["message"] for e in await bench.events(run["job_id"]) if e["type"] == "log"
    ]
    assert "looking at 2" in lines


async def test_a_draft_judges_nothing_and_says_so(bench: Bench) -> None:
    criteria = ["It is even.", "It is polite."]
    rubric = {"kind": "rubric", "criteria": criteria, "model": "local/draft"}
    await bench.deploy(double({"cases": cases(1), "graders": [rubric, EXACT]}))
    found = await evaluate(bench)
    (run,) = found["cases"][0]["runs"]
    judged = run["graders"][0]
    assert (judged["score"], judged["model"], judged["draft"]) == (1.0, "local/draft", True)
    assert [one["criterion"] for one in judged["criteria"]] == criteria
    assert all("[draft]" in one["reason"] for one in judged["criteria"])
    assert (found["total_cost_micros"], found["gate_passed"]) == (0, True)


async def test_cases_may_bring_graders_of_their_own(bench: Bench) -> None:
    own = {"kind": "schema", "name": "small", "schema": {"properties": {"n": {"maximum": 2}}}}
    listed = [{**case, "graders": [own]} for case in cases(1, 2)]
    await bench.deploy(
        Evaluated("double", "def run(n): return {'n': 2 * n}\n", N, {"evals": listed})
    )
    found = await evaluate(bench)
    assert found["pass_rate_pct"] == 50
    assert found["graders"] == [
        {"name": "small", "kind": "schema", "mean_score": 0.5, "pass_rate": 0.5, "runs": 2}
    ]
