"""What a person is asked: may this tool be used, with this input?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of a tool that a person has to approve first. `tool_call_id` is unique in its job."""

    tool_call_id: str
    tool_name: str
    tool_input: Mapping[str, Any]
