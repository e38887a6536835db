"""Which UTC days a budget looks back on: pure."""

from __future__ import annotations

import datetime

from puras.server.clock import DAY, Micros, utc_day
from puras.wire import BudgetWindow

_EPOCH = datetime.date(1970, 1, 1)
_ROLLING_DAYS = 30


def first_day(window: BudgetWindow, now: Micros) -> int:
    """Return the first UTC day of the window that `now` lies in, counted since 1970.

    `rolling30` is today and the 29 days before; `total` begins with the count.
    """
    today = utc_day(now)
    match window:
        case "day":
            return today
        case "month":
            date = _EPOCH + datetime.timedelta(days=today)
            return today - date.day + 1
        case "rolling30":
            return today - _ROLLING_DAYS + 1
        case "total":
            return 0


def start(window: BudgetWindow, now: Micros) -> Micros | None:
    """Return when the present window began; None for `total`."""
    return None if window == "total" else first_day(window, now) * DAY
