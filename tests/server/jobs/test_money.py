"""Compute that costs: held before it is used, paid once, and never more than there was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from puras.server.billing import store as billing
from puras.server.keys.fences import Fences

from ..support import problem
from .bench import Bench, Skill, open_bench

PERIOD = 0.1
USD_PER_SECOND = 1.0
PERIOD_MICROS = 100_000
NAP = Skill(
    "nap",
    """
    import time
    def run(seconds=0.25, fails=False):
        print("asleep", flush=True)
        time.sleep(seconds)
        if fails:
            raise ValueError("it broke")
        return {}
    """,
)


@pytest.fixture
async def paid(tmp_path: Path) -> AsyncIterator[Bench]:
    """A server where a second of compute costs a dollar, held a tenth of a second at a time."""
    async with open_bench(
        tmp_path / "data",
        compute_usd_per_second=USD_PER_SECOND,
        compute_period_seconds=PERIOD,
        starting_credits_usd=100,
    ) as bench:
        await bench.deploy(NAP)
        yield bench
        assert await bench.platform.db.read(billing.audit) == []


async def balance(bench: Bench) -> dict[str, int]:
    return dict((await bench.client.get("/v1/billing/balance")).json())


async def debits(bench: Bench) -> list[int]:
    rows = await bench.rows("SELECT amount_micros FROM ledger WHERE kind = 'debit' ORDER BY id")
    return [row["amount_micros"] for row in rows]


async def set_balance(bench: Bench, micros: int) -> None:
    """Take credits away, as a debit that the ledger knows of."""
    now = (await balance(bench))["balance_micros"]
    workspace_id = await bench.workspace_id()
    await bench.platform.db.write(
        lambda tx: billing.post(
            tx,
            workspace_id=workspace_id,
            kind="debit",
            amount_micros=micros - now,
            now=bench.platform.clock(),
        )
    )


async def test_success_writes_one_debit_of_what_the_run_has_cost(paid: Bench) -> None:
    job = await paid.run("nap")
    assert job["status"] == "succeeded"
    cost = job["cost_micros"]
    assert 250_000 <= cost < 3_000_000
    assert job["usage"]["cost_micros"] == cost
    assert await debits(paid) == [-cost]
    told = await balance(paid)
    assert (told["balance_micros"], told["spent_today_micros"]) == (100_000_000 - cost, cost)


async def test_a_failed_run_is_free_to_the_wallet_and_counts_for_the_day(paid: Bench) -> None:
    job = await paid.run("nap", {"fails": True})
    assert (job["status"], job["cost_micros"] >= 250_000) == ("failed", True)
    assert await debits(paid) == []
    told = await balance(paid)
    assert told["balance_micros"] == 100_000_000
    assert told["spent_today_micros"] == job["cost_micros"]


async def test_a_cancelled_run_is_free_and_its_cost_does_not_change_any_more(paid: Bench) -> None:
    job_id = await paid.begin("nap", {"seconds": 60})
    await paid.until_logged(job_id, "asleep")
    cancelled = (await paid.client.post(f"/v1/jobs/{job_id}/cancel")).json()
    await paid.until_idle()
    assert (await paid.get(job_id))["cost_micros"] == cancelled["cost_micros"]
    assert await debits(paid) == []
    assert (await balance(paid))["balance_micros"] == 100_000_000


async def test_a_run_ends_when_its_key_s_cap_covers_no_further_period(paid: Bench) -> None:
    cap = 5 * PERIOD_MICROS // 2
    key = await paid.mint(fences=Fences(daily_cap_micros=cap))
    job = await paid.run("nap", {"seconds": 60}, headers=key.headers)
    assert (job["status"], job["error_code"]) == ("failed", "cost_limit")
    assert PERIOD_MICROS < job["cost_micros"] <= cap
    await paid.until_idle()


async def test_a_reached_cap_refuses_the_next_submit_until_midnight(paid: Bench) -> None:
    key = await paid.mint(fences=Fences(daily_cap_micros=PERIOD_MICROS))
    job = await paid.run("nap", {"seconds": 60}, headers=key.headers)
    assert (job["error_code"], job["cost_micros"]) == ("cost_limit", PERIOD_MICROS)
    refused = await paid.submit("nap", headers=key.headers)
    assert problem(refused) == (429, "spend_cap_reached")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert (await paid.submit("nap")).status_code == 201


async def test_many_runs_at_once_never_spend_more_than_the_cap(paid: Bench) -> None:
    cap = 7 * PERIOD_MICROS
    key = await paid.mint(fences=Fences(daily_cap_micros=cap))
    ids = [await paid.begin("nap", {"seconds": 60}, headers=key.headers) for _ in range(5)]
    jobs = [await paid.get(job_id, wait="20") for job_id in ids]
    assert {job["error_code"] for job in jobs} == {"cost_limit"}
    spent = sum(job["cost_micros"] for job in jobs)
    assert 0 < spent <= cap
    (row,) = await paid.rows("SELECT SUM(cost_micros) AS micros FROM holds")
    assert row["micros"] == spent


async def test_many_runs_at_once_never_overdraw_the_wallet(paid: Bench) -> None:
    await set_balance(paid, 8 * PERIOD_MICROS)
    ids = []
    for _ in range(6):
        answer = await paid.submit("nap", {"seconds": 0.15})
        if answer.status_code == 201:
            ids.append(answer.json()["id"])
        else:
            assert problem(answer) == (402, "insufficient_credits")
    jobs = [await paid.get(job_id, wait="20") for job_id in ids]
    assert {job["status"] for job in jobs} <= {"succeeded", "failed"}
    assert {job["error_code"] for job in jobs} <= {None, "cost_limit"}
    paid_for = sum(job["cost_micros"] for job in jobs if job["status"] == "succeeded")
    left = (await balance(paid))["balance_micros"]
    assert left == 8 * PERIOD_MICROS - paid_for
    assert left >= 0


async def test_an_empty_wallet_refuses_every_submit(paid: Bench) -> None:
    await set_balance(paid, 0)
    assert problem(await paid.submit("nap")) == (402, "insufficient_credits")


async def test_a_wallet_with_less_than_a_period_ends_the_run_before_it_starts(paid: Bench) -> None:
    await set_balance(paid, PERIOD_MICROS - 1)
    job = await paid.run("nap")
    assert (job["error_code"], job["cost_micros"]) == ("cost_limit", 0)
    assert not [event for event in await paid.events(job["id"]) if event["type"] == "log"]


async def test_the_operator_s_limit_bounds_a_run_and_its_children_together(tmp_path: Path) -> None:
    parent = Skill(
        "parent",
        "import puras\ndef run():\n    return puras.subagent.run('nap', {'seconds': 60})\n",
    )
    async with open_bench(
        tmp_path / "data",
        compute_usd_per_second=USD_PER_SECOND,
        compute_period_seconds=PERIOD,
        run_cost_limit_usd=0.8,
    ) as bench:
        await bench.deploy(NAP, parent)
        job = await bench.run("parent")
        await bench.until_idle()
        (row,) = await bench.rows("SELECT SUM(cost_micros) AS micros FROM jobs")
        assert job["status"] == "failed"
        assert 0 < row["micros"] <= 800_000
        assert await bench.platform.db.read(billing.audit) == []


async def test_a_child_s_compute_counts_for_the_key_that_submitted_its_root(paid: Bench) -> None:
    parent = Skill("parent", "import puras\ndef run():\n    return puras.subagent.run('nap')\n")
    await paid.deploy(NAP, parent)
    key = await paid.mint(fences=Fences(daily_cap_micros=100_000_000))
    job = await paid.run("parent", headers=key.headers)
    assert job["status"] == "succeeded"
    (row,) = await paid.rows("SELECT SUM(cost_micros) AS micros FROM jobs")
    keys = (await paid.client.get("/v1/keys")).json()
    (told,) = [each["spent_today_micros"] for each in keys if each["id"] == key.id]
    assert told == row["micros"] > job["cost_micros"]
    assert sorted(await debits(paid)) == sorted(
        -row["cost_micros"] for row in await paid.rows("SELECT cost_micros FROM jobs")
    )


async def costs(bench: Bench, job_id: str) -> dict[str, Any]:
    answer = await bench.client.get(f"/v1/jobs/{job_id}/costs")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_cost_lines_of_a_job_sum_up_to_its_cost(paid: Bench) -> None:
    job = await paid.run("pack/nap")
    told = await costs(paid, job["id"])
    assert told["cost_micros"] == job["cost_micros"] > 0
    (line,) = told["lines"]
    assert (line["kind"], line["label"], line["held_micros"]) == ("compute", "", 0)
    assert line["cost_micros"] == job["cost_micros"]
    assert line["calls"] > 1


async def test_what_is_held_is_no_cost_yet(paid: Bench) -> None:
    job_id = await paid.begin("pack/nap", {"seconds": 30})
    await paid.until_logged(job_id, "asleep")
    (line,) = (await costs(paid, job_id))["lines"]
    assert 0 < line["held_micros"] <= PERIOD_MICROS
    await paid.client.post(f"/v1/jobs/{job_id}/cancel")
    told = await costs(paid, job_id)
    assert told["lines"][0]["held_micros"] == 0
    assert sum(line["cost_micros"] for line in told["lines"]) == told["cost_micros"]


async def test_a_job_that_cost_nothing_has_no_lines(bench: Bench) -> None:
    await bench.deploy(NAP)
    job = await bench.run("nap", {"seconds": 0})
    assert await costs(bench, job["id"]) == {"cost_micros": 0, "lines": []}


async def test_spending_is_added_up_by_skill_day_and_key(paid: Bench) -> None:
    other = await paid.mint(name="other")
    jobs = [await paid.run("pack/nap") for _ in range(2)]
    jobs.append(await paid.run("pack/nap", {"fails": True}, headers=other.headers))
    costs = [job["cost_micros"] for job in jobs]

    async def spend(**query: Any) -> dict[str, Any]:
        answer = await paid.client.get("/v1/billing/spend", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    by_skill = await spend()
    assert (by_skill["by"], by_skill["days"]) == ("skill", 30)
    assert [(line["name"], line["micros"]) for line in by_skill["lines"]] == [
        ("pack/nap", sum(costs))
    ]
    by_key = await spend(by="key")
    assert {line["name"]: line["micros"] for line in by_key["lines"]} == {
        "First key": costs[0] + costs[1],
        "other": costs[2],
    }
    by_day = await spend(by="day", days=7)
    assert len(by_day["lines"]) == 7
    assert by_day["lines"][0]["name"] == by_day["since"]
    assert sum(line["micros"] for line in by_day["lines"][-2:]) == sum(costs)
    assert {each["total_micros"] for each in (by_skill, by_key, by_day)} == {sum(costs)}
    for bad in ({"by": "moon"}, {"days": "0"}):
        answer = await paid.client.get("/v1/billing/spend", params=bad)
        assert problem(answer) == (422, "invalid_request")


async def test_of_another_workspace_no_spending_is_told(paid: Bench) -> None:
    await paid.run("pack/nap")
    stranger = await paid.stranger()
    for by in ("skill", "day", "key"):
        answer = await paid.client.get(
            "/v1/billing/spend", params={"by": by}, headers=stranger.headers
        )
        assert answer.json()["total_micros"] == 0


async def test_the_ledger_is_shown_newest_first_page_by_page(paid: Bench) -> None:
    jobs = [await paid.run("pack/nap", {"seconds": 0}) for _ in range(2)]
    whole = (await paid.client.get("/v1/billing/ledger")).json()
    assert [(row["kind"], row["job_id"]) for row in whole] == [
        ("debit", jobs[1]["id"]),
        ("debit", jobs[0]["id"]),
        ("grant", None),
    ]
    assert sum(row["amount_micros"] for row in whole) == (await balance(paid))["balance_micros"]
    first = await paid.client.get("/v1/billing/ledger", params={"limit": 2})
    assert first.json() == whole[:2]
    assert 'rel="next"' in first.headers["link"]
    before = {"before": first.json()[-1]["id"]}
    assert (await paid.client.get("/v1/billing/ledger", params=before)).json() == whole[2:]
