"""Why a model did not answer, as one sentence: which, who, what it said, and what to do now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    UnexpectedModelBehavior,
)

_LONGEST = 300


def sentence(error: Exception, question: Mapping[str, Any], *, tries: int) -> str:
    """Say what happened. The operator's key is in no sentence."""
    provider, slug = question["provider"], question["slug"]
    said = f"`{slug}` did not answer: {_what(error, provider, tries)}"
    key = question["key"]
    return said.replace(key, "***") if key else said


def _what(error: Exception, provider: str, tries: int) -> str:
    status = f" (HTTP {error.status_code})" if isinstance(error, ModelHTTPError) else ""
    if isinstance(error, ContentFilterError):
        return f"{provider} filtered its answer out; change what it is asked"
    if isinstance(error, ModelAuthenticationError):
        return f"{provider} refused the key{status}; check the key in the server's environment"
    if isinstance(error, ModelNotFoundError):
        return f"{provider} does not know it{status}; correct its name in the models file"
    if isinstance(error, ModelContextWindowExceededError):
        return f"the conversation is longer than it can read{status}; shorten inputs and results"
    if isinstance(error, ModelQuotaExceededError):
        return f"the account at {provider} has nothing left{status}; top it up"
    if isinstance(error, ModelRequestTimeout):
        return f"{provider} took too long, {tries} times; try again later"
    if isinstance(error, ModelConnectionError):
        return f"{provider} can't be reached, {tries} tries ({error.message}); try again later"
    if isinstance(error, ModelHTTPError):
        return _status(error, provider, tries)
    if isinstance(error, ModelRequestRejectedError):
        return f"{provider} refused the request ({_short(_said(error))}); change what it is asked"
    if isinstance(error, (ModelAPIError, UnexpectedModelBehavior)):
        return f"{provider} sent what can't be read, {tries} times; try again later"
    return f"{provider}: {_short(str(error) or type(error).__name__)}"


def _status(error: ModelHTTPError, provider: str, tries: int) -> str:
    code, said = error.status_code, _short(_said(error))
    if code == 429:
        return f"{provider} asks for fewer requests (HTTP 429), {tries} tries; try again later"
    if code >= 500 or code in (408, 409):
        return f"{provider} is in trouble (HTTP {code}: {said}), {tries} tries; try again later"
    return f"{provider} refused the request (HTTP {code}: {said}); change what it is asked"


def _said(error: ModelAPIError) -> str:
    """Find the provider's own words in the body of its error."""
    body = error.body
    for _ in range(3):
        if isinstance(body, list) and body:
            body = body[0]
        if not isinstance(body, Mapping):
            break
        if isinstance(said := body.get("message"), str):
            return said
        body = body.get("error")
    return body if isinstance(body, str) else "no reason given"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
