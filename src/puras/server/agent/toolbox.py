"""What a tool is to the loop: a name, a schema, and a function from an input to a reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from puras.server.agent.messages import FilePart
from puras.server.agent.models.port import ToolSpec
from puras.server.jobs.calls import CallKey


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answers. `text` goes to the model; of it `preview` is what the event shows.

    A reply with `ok` false is a refusal that the model can act on; it is no failure of the run.
    """

    text: str
    ok: bool = True
    files: list[FilePart] = field(default_factory=list)
    drive_path: str | None = None
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool: `key` is how it is recorded, `span` what its own spans hang below."""

    tool_call_id: str
    name: str
    input: Mapping[str, Any]
    key: CallKey
    span: str | None = None


Use: TypeAlias = Callable[[ToolUse], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    mutates   what it changes: calls of one turn that change the same thing run one after another
    confirm   a person has to approve each call first
    repeats   it may simply run again when the worker died in the middle of it; otherwise the model
              is told that the outcome of such a call is unknown
    """

    spec: ToolSpec
    use: Use
    mutates: str | None = None
    confirm: bool = False
    repeats: bool = True
