"""The seam between the loop, which knows turns, and the models, which know providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from puras.server.agent.messages import Message, ToolCall


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it; `input_schema` is plain JSON Schema 2020-12."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One turn to be answered.

    model              a slug, `family/variant`
    files              the bytes behind each `FilePart.drive_path` in `messages`
    max_output_tokens  None: as many as the model gives
    cache_ttl          how long the provider is asked to keep the prompt's beginning
    must_call_tool     the model has to call one of the tools, as far as it can be made to
    exercise           tools that an offline draft tries; None: all but `set_output`
    """

    model: str
    system: str
    messages: list[Message]
    tools: list[ToolSpec]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    max_output_tokens: int | None = None
    cache_ttl: Literal["5m", "1h"] = "5m"
    must_call_tool: bool = False
    exercise: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model said, and what it cost. `input_tokens` include those read from a cache;
    `stop_reason` is `stop`, `tool_call`, `length`, `content_filter` or `error`."""

    text: str
    tool_calls: list[ToolCall]
    raw: Any
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cost_micros: int
    cached_tokens: int = 0


class ModelFailed(Exception):
    """The model could not answer, after its retries; the text is one sentence for the author.

    `public` is what callers with publishable keys may read.
    """

    public = "the model could not answer"


class Models(Protocol):
    """Answers turns. Also the place where each of them is priced before and after."""

    def known(self, slug: str) -> str | None:
        """Return None for a slug that can be used now, else a sentence that says why not."""

    def bound(self, request: ModelRequest) -> int:
        """Return the most that answering can cost, in micros; raises ModelFailed without a
        price."""

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Answer one turn, with retries where the provider asks for patience.

        Raises:
            ModelFailed: the provider refused, or stayed away.
        """
