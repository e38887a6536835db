"""`budgets`: list, make, change, delete."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Run
from .loopback import NOW, Loopback, an_id

ID = an_id(700)
BUDGET: dict[str, Any] = {
    "id": ID,
    "scope": "skillpack",
    "skillpack": "pack",
    "skill_name": "hello",
    "window": "month",
    "limit_usd": 50.0,
    "alert_pct": 80,
    "enforce": True,
    "enabled": True,
    "spent_micros": 1_500_000,
    "window_starts_at": NOW,
    "alerted_at": None,
    "created_at": NOW,
}


def test_budgets_are_listed_with_what_is_spent(puras: Run, server: Loopback) -> None:
    whole = BUDGET | {"skillpack": None, "skill_name": None, "alert_pct": None, "enforce": False}
    server.script("GET /v1/budgets", [BUDGET, whole, BUDGET | {"enabled": False}])
    rows = [line.split("\t") for line in puras("budgets").stdout.splitlines()]
    assert rows[0][1:] == ["pack/hello", "month", "$1.50", "$50.00", "80 %", "-", "enforced"]
    assert rows[1][1:] == ["workspace", "month", "$1.50", "$50.00", "-", "-", "alerts only"]
    assert rows[2][-1] == "off"


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ([], {"scope": "workspace", "enforce": True}),
        (
            ["--only-alert", "--alert", "80"],
            {"scope": "workspace", "enforce": False, "alert_pct": 80},
        ),
        (
            ["--skillpack", "pack", "--skill", "hello"],
            {"scope": "skillpack", "enforce": True, "skillpack": "pack", "skill_name": "hello"},
        ),
    ],
)
def test_a_budget_is_made(
    puras: Run, server: Loopback, options: list[str], body: dict[str, Any]
) -> None:
    server.script("POST /v1/budgets", BUDGET, 201)
    assert puras("budgets", "create", "--window", "month", "--limit", "50", *options).exit_code == 0
    assert server.seen[-1].json == {"window": "month", "limit_usd": 50.0, **body}


def test_a_skill_needs_its_skillpack(puras: Run, server: Loopback) -> None:
    words = ("budgets", "create", "--window", "day", "--limit", "1", "--skill", "hello")
    assert puras(*words).exit_code == 2
    assert server.seen == []


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--limit", "7"], {"limit_usd": 7.0}),
        (["--no-alert", "--disable"], {"alert_pct": None, "enabled": False}),
        (["--only-alert", "--window", "total"], {"enforce": False, "window": "total"}),
    ],
)
def test_only_what_is_named_is_changed(
    puras: Run, server: Loopback, options: list[str], body: dict[str, Any]
) -> None:
    server.script(f"PATCH /v1/budgets/{ID}", BUDGET)
    assert puras("budgets", "update", ID, *options).exit_code == 0
    assert server.seen[-1].json == body


def test_changing_nothing_is_a_usage_error(puras: Run, server: Loopback) -> None:
    assert puras("budgets", "update", ID).exit_code == 2
    assert server.seen == []


def test_a_budget_is_deleted(puras: Run, server: Loopback) -> None:
    server.script(f"DELETE /v1/budgets/{ID}", None, 204)
    assert puras("budgets", "delete", ID).stdout == f"Deleted {ID}.\n"
    server.refuse(f"DELETE /v1/budgets/{ID}", 404, "budget_not_found")
    assert puras("budgets", "delete", ID).exit_code == 4


def test_a_submit_that_a_budget_refuses_says_how_to_go_on(puras: Run, server: Loopback) -> None:
    server.refuse("POST /v1/jobs", 402, "budget_exhausted")
    result = puras("run", "pack/hello")
    assert result.exit_code == 5
    assert "puras budgets update" in result.stderr
