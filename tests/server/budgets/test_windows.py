"""Which days a budget looks back on."""

from __future__ import annotations

import pytest

from puras.server.budgets import windows
from puras.server.clock import DAY, SECOND, parse_iso, utc_day
from puras.wire import BudgetWindow


@pytest.mark.parametrize(
    ("window", "now", "began"),
    [
        ("day", "2026-03-31T23:59:59Z", "2026-03-31"),
        ("day", "2026-04-01T00:00:00Z", "2026-04-01"),
        ("month", "2026-03-31T23:59:59Z", "2026-03-01"),
        ("month", "2026-04-01T00:00:00Z", "2026-04-01"),
        ("month", "2024-02-29T12:00:00Z", "2024-02-01"),
        ("rolling30", "2026-03-31T12:00:00Z", "2026-03-02"),
        ("rolling30", "2026-01-01T00:00:00Z", "2025-12-03"),
    ],
)
def test_a_window_begins_at_midnight_utc(window: BudgetWindow, now: str, began: str) -> None:
    assert windows.start(window, parse_iso(now)) == parse_iso(began)


def test_thirty_days_roll() -> None:
    now = parse_iso("2026-03-31T12:00:00Z")
    assert utc_day(now) - windows.first_day("rolling30", now) + 1 == 30
    assert windows.first_day("rolling30", now + DAY) == windows.first_day("rolling30", now) + 1


def test_the_total_has_no_beginning() -> None:
    assert windows.start("total", SECOND) is None
    assert windows.first_day("total", 20_000 * DAY) == 0
