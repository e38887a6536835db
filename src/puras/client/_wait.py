"""How waiting for a job proceeds: ask, hold, rest, ask again. Pure; the shell keeps the clock.

Each poll asks the server to hold its answer for the interval. A server that can answers the moment
the job ends; one that can't answers at once, and the rest of the interval is slept here.
"""

from __future__ import annotations

from typing import NamedTuple

from puras.client._models import Job, is_over


class Wait(NamedTuple):
    """All in seconds; `until` and every `now` are readings of one monotonic clock."""

    until: float
    interval: float

    def hold(self, now: float) -> float:
        """How long the next poll asks the server to wait."""
        return max(0.0, min(self.interval, self.until - now))

    def rest(self, job: Job, *, asked: float, now: float) -> float | None:
        """How long to sleep before the next poll; None when the waiting is over."""
        if is_over(job) or now >= self.until:
            return None
        return max(0.0, min(asked + self.interval, self.until) - now)
