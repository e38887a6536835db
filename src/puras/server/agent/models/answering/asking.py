"""Asking a provider for one turn, again where it asks for patience, and saying why it failed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Mapping
from typing import Any, Literal

from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings, ToolChoice
from pydantic_ai.tools import ToolDefinition

from puras.server.agent.models.answering.answer import answer_of
from puras.server.agent.models.answering.conversation import conversation
from puras.server.agent.models.answering.failures import sentence
from puras.server.agent.models.answering.providers import open_model
from puras.server.agent.models.answering.schemas import without_notes
from puras.server.agent.models.port import ModelFailed

TRIES = 4
_TIMEOUT_SECONDS = 600.0
_LONGEST_DELAY_SECONDS = 30.0
_LONGEST_PATIENCE_SECONDS = 120.0
_STATUSES = frozenset({408, 409, 429})


class Asking:
    """Asks providers. A model is set up once, and its connections are used again."""

    def __init__(self, *, first_delay_seconds: float) -> None:
        self.writing = threading.Lock()
        self._first_delay_seconds = first_delay_seconds
        self._models: dict[tuple[Any, ...], Model] = {}

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a question of the worker's.

        Raises:
            ModelFailed: the provider refused, or stayed away.
        """
        try:
            return answer_of(await self._patiently(question), provider=question["provider"])
        except (AgentRunError, UserError) as error:
            raise ModelFailed(sentence(error, question, tries=TRIES)) from None
        except Exception as error:
            raise ModelFailed(sentence(error, question, tries=1)) from None

    async def _patiently(self, question: Mapping[str, Any]) -> ModelResponse:
        for attempt in range(1, TRIES):
            try:
                return await self._once(question)
            except AgentRunError as error:
                delay = self._delay(error, attempt)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
        return await self._once(question)

    async def _once(self, question: Mapping[str, Any]) -> ModelResponse:
        if question["must_call_tool"] and question["tools"]:
            # A model that can't be forced is refused before anything is sent.
            with contextlib.suppress(UserError):
                return await self._sent(question, tool_choice="required")
        return await self._sent(question, tool_choice="auto")

    async def _sent(
        self, question: Mapping[str, Any], *, tool_choice: Literal["auto", "required"]
    ) -> ModelResponse:
        tools = [
            ToolDefinition(
                name=tool["name"],
                description=tool["description"],
                parameters_json_schema=without_notes(tool["input_schema"]),
                strict=False,
            )
            for tool in question["tools"]
        ]
        return await model_request(
            self._model(question),
            conversation(question),
            model_settings=_settings(question, tool_choice),
            model_request_parameters=ModelRequestParameters(function_tools=tools),
        )

    def _model(self, question: Mapping[str, Any]) -> Model:
        key = tuple(question[part] for part in ("provider", "name", "base_url", "key"))
        if key not in self._models:
            self._models[key] = open_model(*key)
        return self._models[key]

    def _delay(self, error: AgentRunError, attempt: int) -> float | None:
        """Return how many seconds to wait before the next try, None where none would help."""
        if not _is_passing(error):
            return None
        asked = error.retry_after if isinstance(error, ModelAPIError) else None
        if asked is not None:
            return asked if asked <= _LONGEST_PATIENCE_SECONDS else None
        longest = min(self._first_delay_seconds * 2.0**attempt, _LONGEST_DELAY_SECONDS)
        return longest * random.uniform(0.5, 1.0)


def _is_passing(error: AgentRunError) -> bool:
    if isinstance(error, (ModelQuotaExceededError, ContentFilterError)):
        return False
    if isinstance(error, ModelHTTPError):
        return error.status_code in _STATUSES or error.status_code >= 500
    if isinstance(error, ModelRequestRejectedError):
        return False
    # What is left: broken connections, silence, and answers that can't be read.
    return isinstance(error, (ModelAPIError, UnexpectedModelBehavior))


def _settings(question: Mapping[str, Any], tool_choice: ToolChoice) -> ModelSettings:
    settings = ModelSettings(
        max_tokens=question["max_output_tokens"],
        max_retries=0,
        timeout=_TIMEOUT_SECONDS,
        request_timeout=_TIMEOUT_SECONDS,
        cache=question["cache_ttl"],
    )
    if question["tools"]:
        settings["parallel_tool_calls"] = True
        settings["tool_choice"] = tool_choice
    return settings
