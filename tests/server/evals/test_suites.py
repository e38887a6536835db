"""Suites of evals, from the request to the report, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from puras.server.evals.store import AT_ONCE
from puras.server.keys.fences import Fences

from ..jobs.bench import Bench, open_bench
from ..support import ON_POSTGRES, TestDatabase, problem
from .suites import EXACT, Evaluated, N, ask, begin, cases, double, evaluate, until_over

REPORT = {
    *("id", "status", "skillpack", "skill_name", "version", "repeat", "pass_rate_pct"),
    *("mean_score", "score_stddev", "completed_runs", "total_runs", "total_cost_micros"),
    *("mean_cost_micros", "mean_latency_ms", "threshold", "graders", "gate_passed"),
    *("created_at", "finished_at", "cases"),
}


async def test_a_suite_runs_its_cases_as_jobs_and_reports(bench: Bench) -> None:
    evals = {"cases": cases(1, 2), "graders": [EXACT, {"kind": "schema"}]}
    await bench.deploy(double(evals))
    begun = await begin(bench)
    assert (begun["total_runs"], begun["gate_passed"]) == (2, None)
    found = await until_over(bench, begun["id"])
    assert set(found) == REPORT
    assert (found["status"], found["skill_name"], found["version"]) == ("completed", "double", 1)
    assert (found["pass_rate_pct"], found["mean_score"], found["score_stddev"]) == (100, 1, 0)
    assert (found["completed_runs"], found["threshold"], found["gate_passed"]) == (2, 1, True)
    assert found["mean_latency_ms"] > 0
    assert found["graders"] == [
        {"name": n, "kind": n, "mean_score": 1.0, "pass_rate": 1.0, "runs": 2}
        for n in ("exact_match", "schema")
    ]
    assert [case["id"] for case in found["cases"]] == ["n1", "n2"]
    job = await bench.get(found["cases"][0]["runs"][0]["job_id"])
    assert (job["source"], job["eval_score"], job["inputs"]) == ("eval", 1.0, {"n": 1})
    assert [result["name"] for result in job["eval_results"]] == ["exact_match", "schema"]


async def test_the_score_is_told_before_the_end_of_the_job(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}))
    found = await evaluate(bench)
    events = await bench.events(found["cases"][0]["runs"][0]["job_id"])
    assert [event["type"] for event in events][-2:] == ["evals", "status"]
    assert events[-2]["payload"] == {
        "score": 1.0,
        "passed": True,
        "graders": [{"name": "exact_match", "kind": "exact_match", "score": 1.0, "passed": True}],
    }


async def test_what_fails_and_what_is_wrong_passes_nothing(bench: Bench) -> None:
    wrong = {"id": "wrong", "inputs": {"n": 3}, "expected": {"n": 7}}
    evals = {"cases": [*cases(1, -1), wrong], "graders": [EXACT], "threshold": 0.5}
    await bench.deploy(double(evals))
    found = await evaluate(bench)
    assert found["pass_rate_pct"] == pytest.approx(100 / 3)
    assert found["mean_score"] == pytest.approx(1 / 3)
    assert found["score_stddev"] == pytest.approx((2 / 9) ** 0.5, abs=1e-5)
    assert found["gate_passed"] is False
    by_id = {case["id"]: case["runs"][0] for case in found["cases"]}
    assert (by_id["n-1"]["status"], by_id["n-1"]["score"]) == ("failed", None)
    assert "too small" in by_id["n-1"]["error"]
    assert by_id["wrong"]["graders"][0]["reason"] == "n: 6 instead of 7"
    assert found["graders"][0]["runs"] == 2


async def test_each_case_is_repeated_and_some_can_be_chosen(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1, 2, 3), "graders": [EXACT], "repeat": 2}))
    found = await evaluate(bench, case_ids=["n3", "n1"], repeat=3, threshold=0.25)
    assert (found["total_runs"], found["repeat"], found["threshold"]) == (6, 3, 0.25)
    assert [(case["id"], len(case["runs"])) for case in found["cases"]] == [("n3", 3), ("n1", 3)]
    assert (await evaluate(bench))["total_runs"] == 6


async def test_a_few_runs_at_a_time_leave_room_for_other_jobs(bench: Bench) -> None:
    code = "import puras\ndef run(n):\n    puras.log('began')\n    while True: pass\n"
    await bench.deploy(double({"cases": cases(*range(6)), "graders": [EXACT]}, code=code))
    begun = await begin(bench)
    rows = await bench.rows(
        "SELECT parked FROM jobs WHERE suite_id = :id ORDER BY id", id=begun["id"]
    )
    assert [row["parked"] for row in rows] == [0] * AT_ONCE + [1] * 2
    first, last = (begun["cases"][index]["runs"][0]["job_id"] for index in (0, 5))
    await bench.until_logged(first, "began")
    assert (await bench.get(last))["status"] == "queued"
    await bench.client.post(f"/v1/jobs/{first}/cancel")
    rows = await bench.rows(
        "SELECT parked FROM jobs WHERE suite_id = :id AND status <> 'cancelled' ORDER BY id",
        id=begun["id"],
    )
    assert [row["parked"] for row in rows] == [0] * AT_ONCE + [1]
    await bench.client.post(f"/v1/evals/{begun['id']}/cancel")


async def test_a_cancelled_suite_ends_all_of_its_runs(bench: Bench) -> None:
    code = "import puras\ndef run(n):\n    puras.log('began')\n    while True: pass\n"
    await bench.deploy(double({"cases": cases(*range(9)), "graders": [EXACT]}, code=code))
    begun = await begin(bench)
    await bench.until_logged(begun["cases"][0]["runs"][0]["job_id"], "began")
    answer = await bench.client.post(f"/v1/evals/{begun['id']}/cancel")
    found = answer.json()
    assert (found["status"], found["completed_runs"], found["gate_passed"]) == (
        "cancelled",
        9,
        False,
    )
    assert {run["status"] for case in found["cases"] for run in case["runs"]} == {"cancelled"}
    await bench.until_idle()
    again = await bench.client.post(f"/v1/evals/{begun['id']}/cancel")
    assert again.json() == found


async def test_a_suite_that_is_over_can_not_be_cancelled(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}))
    found = await evaluate(bench)
    answer = await bench.client.post(f"/v1/evals/{found['id']}/cancel")
    assert answer.json() == found


async def test_a_repeated_request_starts_one_suite(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}))
    headers = {"Idempotency-Key": "once"}
    first = await ask(bench, headers=headers)
    second = await ask(bench, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    assert problem(await ask(bench, headers=headers, repeat=2)) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("body", "expected", "words"),
    [
        ({"skill": "other"}, (404, "skill_not_found"), "double"),
        ({"version": 9}, (404, "version_not_found"), "9"),
        ({"case_ids": ["n7", "m1"]}, (422, "invalid_request"), "`n7`"),
        ({"case_ids": []}, (422, "invalid_request"), "leave it out"),
        ({"repeat": 0}, (422, "invalid_request"), "$.repeat"),
        ({"threshold": 1.5}, (422, "invalid_request"), "$.threshold"),
        ({"repeat": 100, "skill": "many"}, (422, "invalid_request"), "1,000 runs"),
        ({"skill": "plain"}, (422, "invalid_request"), "no eval cases"),
        ({"cases": []}, (422, "unknown_field"), "cases"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    bench: Bench, body: dict[str, Any], expected: tuple[int, str], words: str
) -> None:
    evals = {"cases": cases(1), "graders": [EXACT]}
    many = {"cases": cases(*range(11)), "graders": [EXACT]}
    await bench.deploy(
        double(evals),
        Evaluated("plain", "def run(): return {}\n"),
        Evaluated("many", "def run(n): return {}\n", N, {"evals": many}),
    )
    refused = await ask(bench, **{"skill": "double", **body})
    assert problem(refused) == expected
    assert words in refused.json()["detail"]
    assert await bench.rows("SELECT id FROM jobs") == []


async def test_suites_are_seen_by_keys_of_their_workspace_alone(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}), public=True)
    found = await evaluate(bench)
    stranger = (await bench.stranger()).headers
    path = f"/v1/evals/{found['id']}"
    assert problem(await bench.client.get(path, headers=stranger)) == (404, "eval_not_found")
    assert problem(await bench.client.post(f"{path}/cancel", headers=stranger))[0] == 404
    for method, url in (("GET", "evals"), ("POST", "evals"), ("GET", "evals/diff?skill=double")):
        refused = await bench.client.request(
            method, f"/v1/skillpacks/local%2Fpack/{url}", headers=stranger, json={"skill": "double"}
        )
        assert problem(refused) == (404, "skillpack_not_found")


async def test_a_key_with_a_rate_can_not_start_many_runs_at_once(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}))
    key = await bench.mint(fences=Fences(rate_per_minute=1))
    assert problem(await ask(bench, headers=key.headers)) == (403, "key_fenced")
    short = await bench.mint(fences=Fences(expires_at=2**52))
    assert (await ask(bench, headers=short.headers)).status_code == 201


async def test_suites_are_listed_newest_first_by_skill(bench: Bench) -> None:
    evals = {"cases": cases(1), "graders": [EXACT]}
    other = Evaluated("other", "def run(n): return {}\n", N, {"evals": evals})
    await bench.deploy(double(evals), other)
    ids = [(await evaluate(bench, skill))["id"] for skill in ("double", "other", "double")]

    async def listed(**query: Any) -> list[str]:
        answer = await bench.client.get("/v1/skillpacks/pack/evals", params=query)
        assert all("cases" not in one for one in answer.json())
        return [one["id"] for one in answer.json()]

    assert await listed() == ids[::-1]
    assert await listed(skill="double") == [ids[2], ids[0]]
    assert await listed(limit=1, before=ids[2]) == [ids[1]]


async def test_two_suites_are_compared_by_version_or_id(bench: Bench) -> None:
    first = {"cases": cases(1, 2, 3), "graders": [EXACT]}
    await bench.deploy(double(first, code="def run(n): return {'n': 2 if n < 3 else 0}\n"))
    base = await evaluate(bench)
    never = {"kind": "schema", "schema": {"required": ["m"]}}
    second = {"cases": cases(2, 3, 4), "graders": [EXACT, never]}
    await bench.deploy(double(second, code="def run(n): return {'n': 6}\n"))
    head = await evaluate(bench)

    async def compared(base: Any, head: Any, skill: str = "double") -> Any:
        params = {"skill": skill, "base": base, "head": head}
        return await bench.client.get("/v1/skillpacks/pack/evals/diff", params=params)

    found = (await compared("1", head["id"])).json()
    assert (found["base"]["id"], found["head"]["id"]) == (base["id"], head["id"])
    assert found["pass_rate_pct_delta"] == pytest.approx(-100 / 3)
    assert [(case["id"], case["change"]) for case in found["cases"]] == [
        ("n3", "improved"),
        ("n4", "added"),
        ("n1", "removed"),
        ("n2", "same"),
    ]
    rates = [(one["base_pass_rate"], one["head_pass_rate"]) for one in found["graders"]]
    assert rates == [(pytest.approx(1 / 3, abs=1e-5), pytest.approx(1 / 3, abs=1e-5)), (None, 0)]
    assert (await compared("1", "1")).json()["mean_score_delta"] == 0
    assert problem(await compared("1", "7")) == (404, "eval_not_found")
    assert problem(await compared("1", "x")) == (422, "invalid_request")
    assert problem(await compared("1", "2", "")) == (422, "invalid_request")
    assert problem(await compared(base["id"], head["id"], "other")) == (422, "invalid_request")


async def test_an_older_version_is_evaluated_with_its_own_cases(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1, 2), "graders": [EXACT]}))
    await bench.deploy(double({"cases": cases(5), "graders": [EXACT]}))
    assert (await evaluate(bench, version=1))["total_runs"] == 2
    assert (await evaluate(bench))["total_runs"] == 1


async def test_ordinary_runs_are_judged_where_the_skill_says_so(bench: Bench) -> None:
    schema = {"kind": "schema", "schema": {"properties": {"n": {"maximum": 3}}}}
    evals = {"cases": cases(1), "graders": [EXACT, schema], "on_run": True}
    await bench.deploy(double(evals))
    good, bad = [await bench.run("double", {"n": n}) for n in (1, 2)]
    assert (good["eval_score"], bad["eval_score"]) == (1.0, 0.0)
    assert [result["name"] for result in bad["eval_results"]] == ["schema"]
    assert bad["status"] == "succeeded"
    assert (await bench.run("double", {"n": -1}))["eval_score"] is None


async def test_ordinary_runs_are_not_judged_otherwise(bench: Bench) -> None:
    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}))
    job = await bench.run("double", {"n": 1})
    assert (job["eval_score"], job["eval_results"]) == (None, None)
    assert "evals" not in {event["type"] for event in await bench.events(job["id"])}


async def test_callers_of_a_public_skill_see_the_score_without_the_reasons(bench: Bench) -> None:
    schema = {"kind": "schema", "schema": {"properties": {"n": {"maximum": 3}}}}
    await bench.deploy(double({"graders": [schema], "on_run": True}), public=True)
    headers = (await bench.stranger()).headers
    job = await bench.run("local/pack/double", {"n": 2}, headers=headers)
    assert (job["eval_score"], job["eval_results"]) == (0.0, None)
    events = await bench.events(job["id"], headers=headers)
    (told,) = [event["payload"] for event in events if event["type"] == "evals"]
    assert told == {"score": 0.0, "passed": False}


async def test_nothing_is_left_of_a_suite_whose_jobs_were_forgotten(bench: Bench) -> None:
    from puras.server.clock import DAY, now
    from puras.server.retention.sweep import sweep

    await bench.deploy(double({"cases": cases(1), "graders": [EXACT]}))
    old = await evaluate(bench)
    platform = bench.platform
    assert await sweep(platform.db, platform.drive, days=1, now=now() + 2 * DAY) == 1
    refused = await bench.client.get(f"/v1/evals/{old['id']}")
    assert problem(refused) == (404, "eval_not_found")


async def test_a_server_that_stops_goes_on_with_its_suites_when_it_starts(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = f"""
        import os, time
        def run(n):
            while n == 2 and not os.path.exists({str(gate)!r}): time.sleep(0.02)
            return {{"n": 2 * n}}
        """
    async with open_bench(tmp_path / "data") as bench:
        await bench.deploy(double({"cases": cases(*range(8)), "graders": [EXACT]}, code=code))
        begun = await begin(bench)
        await bench.get(begun["cases"][0]["runs"][0]["job_id"], wait="20")
        headers = dict(bench.client.headers)
    gate.touch()
    async with open_bench(tmp_path / "data") as bench:
        bench.client.headers["Authorization"] = headers["authorization"]
        found = await until_over(bench, begun["id"])
    assert (found["completed_runs"], found["pass_rate_pct"]) == (8, 100)


async def test_the_doctor_finds_nothing_odd_in_runs_that_wait_for_their_turn(bench: Bench) -> None:
    code = "import puras\ndef run(n):\n    puras.log('began')\n    while True: pass\n"
    await bench.deploy(double({"cases": cases(*range(9)), "graders": [EXACT]}, code=code))
    begun = await begin(bench)
    from puras.server.doctor.checks import QUERIES

    unasked = await bench.platform.db.read(lambda tx: tx.all(QUERIES.unasked))
    assert unasked == []
    await bench.client.post(f"/v1/evals/{begun['id']}/cancel")


@ON_POSTGRES
async def test_runs_that_end_at_the_same_time_let_different_ones_begin(
    bench: Bench, dialect: str
) -> None:
    assert TestDatabase.url is not None
    await bench.deploy(double({"cases": cases(*range(40)), "graders": [EXACT]}))
    found = await evaluate(bench)
    assert (found["completed_runs"], found["pass_rate_pct"]) == (40, 100)
