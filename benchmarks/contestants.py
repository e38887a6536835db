"""Contestants from outside: a process for each side, that calls it when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import Process, running


@dataclass(frozen=True)
class Contestant:
    """A process that calls one side when told to (`contestant.py`). Each can raise GaveUp."""

    process: Process

    def latencies(self, count: int, *, seconds: float = 60) -> list[float]:
        """Return the milliseconds of so many calls, one after the other, as time allows."""
        answer: list[float] = self._ask({"count": count, "seconds": seconds})
        return answer

    def timings(self, count: int) -> list[dict[str, float]]:
        """Return the milliseconds until the first `event` and the `result` of so many calls."""
        answer: list[dict[str, float]] = self._ask({"count": count})
        return answer

    def rate(self, *, clients: int = 8, seconds: float = 3) -> float:
        """Return how many calls a second so many clients get done together."""
        return float(self._ask({"clients": clients, "seconds": seconds}))

    def answer(self) -> Any:
        return json.loads(self.process.hear())

    def _ask(self, what: dict[str, Any]) -> Any:
        self.process.tell(json.dumps(what))
        return self.answer()


@contextmanager
def contestant(
    python: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[Contestant]:
    """Start a contestant and wait until its first call has worked."""
    with running([str(python), *arguments], env=env) as process:
        one = Contestant(process)
        assert one.answer() == "ready"
        yield one
