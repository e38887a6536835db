"""The providers: where each is asked, and which environment variables hold its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Provider:
    """`keys` are the variables that may hold its key, the first one set counts; `base_url` is the
    variable that moves it elsewhere; `prices` is its name in the price table."""

    keys: tuple[str, ...] = ()
    base_url: str | None = None
    prices: str | None = None


PROVIDERS: Final[Mapping[str, Provider]] = {
    "anthropic": Provider(("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL", "anthropic"),
    "openai": Provider(("OPENAI_API_KEY",), "OPENAI_BASE_URL", "openai"),
    "google": Provider(("GEMINI_API_KEY", "GOOGLE_API_KEY"), "GOOGLE_GEMINI_BASE_URL", "google"),
    "openrouter": Provider(("OPENROUTER_API_KEY",), "OPENROUTER_BASE_URL", "openrouter"),
    "openai-compatible": Provider(),
    "draft": Provider(),
}
