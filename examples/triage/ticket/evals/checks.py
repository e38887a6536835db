"""What can be checked of a reply without anybody's opinion."""

import re
from collections.abc import Iterator
from typing import Any

MOST_WORDS = 120
PROMISES = re.compile(
    r"\b(we|i) (will|have|'ll|'ve) (refund|credit|reimburse)"
    r"|\brefund (is|has been|will be) (confirmed|approved|issued|sent)",
    re.IGNORECASE,
)
OTHERS = re.compile(r"[\w.]+@example\.com", re.IGNORECASE)


def keeps_to_the_policy(
    inputs: dict[str, Any], result: dict[str, Any], expected: dict[str, Any]
) -> dict[str, Any]:
    """Score a reply: it is short, promises no money, and names nobody else."""
    faults = list(_faults(result["reply"], asked_by=inputs.get("customer", "")))
    return {"score": 0.0 if faults else 1.0, "reason": "; ".join(faults) or "keeps to it"}


def _faults(reply: str, *, asked_by: str) -> Iterator[str]:
    if (words := len(reply.split())) > MOST_WORDS:
        yield f"{words} words, and {MOST_WORDS} is the most"
    if found := PROMISES.search(reply):
        yield f"it promises money: {found[0]!r}"
    if others := {name for name in OTHERS.findall(reply) if name.lower() != asked_by.lower()}:
        yield f"it names {', '.join(sorted(others))}"
