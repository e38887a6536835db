"""What a person is asked: may this tool be used, with this input?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

AskKey: TypeAlias = tuple[int, str]
"""The step of a call, and its id."""

Answers: TypeAlias = Mapping[AskKey, tuple[str, str | None]]
"""What was decided: a status and a reason, by call."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of a tool that a person has to approve first.

    `tool_call_id` is the model's own, and unique at its `step` only: what was said of a call must
    not count for a later one that bears the same id.
    """

    tool_call_id: str
    tool_name: str
    tool_input: Mapping[str, Any]
    step: int
