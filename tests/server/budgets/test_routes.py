"""Making, listing, changing and deleting budgets."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from puras.server.keys.fences import Fences

from ..jobs.bench import ECHO, Bench
from ..support import problem

TERMS = {"scope": "workspace", "window": "day", "limit_usd": 5}


async def make(bench: Bench, **changes: Any) -> httpx2.Response:
    return await bench.client.post("/v1/budgets", json={**TERMS, **changes})


async def test_a_budget_is_shown_with_its_terms_and_what_is_spent(bench: Bench) -> None:
    await bench.deploy(ECHO)
    answer = await make(
        bench, scope="skillpack", skillpack="pack", skill_name="echo", alert_pct=80, window="total"
    )
    assert answer.status_code == 201, answer.text
    budget = answer.json()
    assert {name: budget[name] for name in budget if name not in {"id", "created_at"}} == {
        "scope": "skillpack",
        "skillpack": "pack",
        "skill_name": "echo",
        "window": "total",
        "limit_usd": 5.0,
        "alert_pct": 80,
        "enforce": True,
        "enabled": True,
        "spent_micros": 0,
        "window_starts_at": None,
        "alerted_at": None,
    }
    assert (await bench.client.get("/v1/budgets")).json() == [budget]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"limit_usd": -0.01}, "invalid_request", "$.limit_usd"),
        ({"limit_usd": 1e9 + 1}, "invalid_request", "$.limit_usd"),
        ({"window": "week"}, "invalid_request", "$.window"),
        ({"scope": "key"}, "invalid_request", "$.scope"),
        ({"alert_pct": 0}, "invalid_request", "$.alert_pct"),
        ({"alert_pct": 101}, "invalid_request", "$.alert_pct"),
        ({"scope": "skillpack"}, "invalid_request", "$.skillpack"),
        ({"skillpack": "pack"}, "invalid_request", "$.skillpack"),
        ({"skill_name": "echo"}, "invalid_request", "$.skill_name"),
        ({"limit": 5}, "unknown_field", "$.limit"),
    ],
)
async def test_terms_that_make_no_sense_are_refused(
    bench: Bench, changes: dict[str, Any], code: str, path: str
) -> None:
    answer = await make(bench, **changes)
    assert problem(answer) == (422, code)
    assert answer.json()["errors"][0]["path"] == path


async def test_a_budget_is_for_what_exists(bench: Bench) -> None:
    missing = await make(bench, scope="skillpack", skillpack="nowhere")
    assert problem(missing) == (404, "skillpack_not_found")
    await bench.deploy(ECHO)
    missing = await make(bench, scope="skillpack", skillpack="pack", skill_name="nothing")
    assert problem(missing) == (404, "skill_not_found")


async def test_what_a_change_leaves_out_stays(bench: Bench) -> None:
    budget = (await make(bench, alert_pct=50)).json()
    path = f"/v1/budgets/{budget['id']}"
    changed = await bench.client.patch(path, json={"limit_usd": 7.5, "enforce": False})
    assert changed.json() == {**budget, "limit_usd": 7.5, "enforce": False}
    changed = await bench.client.patch(path, json={"alert_pct": None, "window": "month"})
    assert (changed.json()["alert_pct"], changed.json()["window"]) == (None, "month")
    assert changed.json()["limit_usd"] == 7.5
    assert problem(await bench.client.patch(path, json={"limit_usd": -1})) == (
        422,
        "invalid_request",
    )
    assert problem(await bench.client.patch(path, json={"scope": "workspace"})) == (
        422,
        "unknown_field",
    )


async def test_a_budget_is_deleted_once(bench: Bench) -> None:
    path = f"/v1/budgets/{(await make(bench)).json()['id']}"
    assert (await bench.client.delete(path)).status_code == 204
    assert problem(await bench.client.delete(path)) == (404, "budget_not_found")
    assert problem(await bench.client.patch(path, json={"limit_usd": 1})) == (
        404,
        "budget_not_found",
    )


async def test_budgets_are_listed_page_by_page_newest_first(bench: Bench) -> None:
    ids = [(await make(bench)).json()["id"] for _ in range(3)]
    first = await bench.client.get("/v1/budgets", params={"limit": 2})
    assert [budget["id"] for budget in first.json()] == ids[:0:-1]
    rest = await bench.client.get(first.links["next"]["url"].partition("8787")[2])
    assert [budget["id"] for budget in rest.json()] == ids[:1]


async def test_only_a_key_without_fences_comes_here(bench: Bench) -> None:
    fenced = await bench.mint(fences=Fences(rate_per_minute=9))
    for method, path in (("GET", "/v1/budgets"), ("POST", "/v1/budgets")):
        answer = await bench.client.request(method, path, json=TERMS, headers=fenced.headers)
        assert problem(answer) == (403, "key_fenced")
