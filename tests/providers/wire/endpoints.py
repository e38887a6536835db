"""Which provider answers at a path, as its public documentation shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import anthropic, gemini, openai, openrouter
from .say import Say


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`answer` makes the body of a turn from what was asked, `failure` that of an error from its
    status and message."""

    answer: Callable[[Say, Mapping[str, Any]], dict[str, Any]]
    failure: Callable[[int, str], dict[str, Any]]


_BY_BEGINNING = {
    "/v1/messages": Endpoint(anthropic.answer, anthropic.failure),
    "/api/v1/chat/completions": Endpoint(openrouter.chat, openrouter.failure),
    "/v1/responses": Endpoint(openai.responses, openai.failure),
    "/v1/chat/completions": Endpoint(openai.chat, openai.failure),
}
_GEMINI = Endpoint(gemini.answer, gemini.failure)


def endpoint_at(path: str) -> Endpoint:
    """Return the endpoint at a path. Raises LookupError where no provider has one."""
    if ":generateContent" in path:
        return _GEMINI
    for beginning, endpoint in _BY_BEGINNING.items():
        if path.startswith(beginning):
            return endpoint
    raise LookupError(f"no provider answers at {path}")
