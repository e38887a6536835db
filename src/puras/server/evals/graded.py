"""What graders found, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from puras.bundle.graders import Grader


@dataclass(frozen=True, slots=True)
class Finding:
    """What one grader says of a result. `score` is 0 to 1; None: it could not say, and `error`
    has the reason. `more` is shown with it as it is."""

    score: float | None
    reason: str = ""
    error: str | None = None
    more: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Graded:
    """A finding beside its grader."""

    grader: Grader
    finding: Finding
    duration_ms: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the score reaches the grader's threshold."""
        score = self.finding.score
        return score is not None and score >= self.grader.threshold

    def shown(self) -> dict[str, Any]:
        """Return it as a job's `eval_results` have it."""
        grader, finding = self.grader, self.finding
        return {
            "name": grader.name,
            "kind": grader.kind,
            "score": finding.score,
            "passed": self.passed,
            "weight": grader.weight,
            "threshold": grader.threshold,
            "reason": finding.reason,
            "error": finding.error,
            "duration_ms": round(self.duration_ms, 3),
            **(finding.more or {}),
        }


def score_of(graded: Sequence[Graded]) -> float | None:
    """Return the weighted mean of the scores; None where a grader could not say."""
    scores = [one.finding.score for one in graded]
    if not graded or None in scores:
        return None
    weights = sum(one.grader.weight for one in graded)
    total = sum((one.finding.score or 0.0) * one.grader.weight for one in graded)
    return min(1.0, max(0.0, total / weights))
