"""A provider's model, ready to be asked: which wire format it speaks, where, with which key."""

from __future__ import annotations

from pydantic_ai.models import Model, create_async_httpx2_client


def open_model(provider: str, name: str, base_url: str | None, key: str | None) -> Model:
    """Return the model `name` of a provider. A library is imported when it is first needed."""
    if provider == "anthropic":
        return _anthropic(name, base_url, key)
    if provider == "google":
        return _google(name, base_url, key)
    if provider == "openrouter":
        return _openrouter(name, base_url, key)
    return _openai(name, base_url, key, responses=provider == "openai")


def _anthropic(name: str, base_url: str | None, key: str | None) -> Model:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    return AnthropicModel(name, provider=AnthropicProvider(api_key=key, base_url=base_url))


def _google(name: str, base_url: str | None, key: str | None) -> Model:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    return GoogleModel(name, provider=GoogleProvider(api_key=key, base_url=base_url))


def _openai(name: str, base_url: str | None, key: str | None, *, responses: bool) -> Model:
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(base_url=base_url, api_key=key or "none")
    kind = OpenAIResponsesModel if responses else OpenAIChatModel
    return kind(name, provider=provider)


def _openrouter(name: str, base_url: str | None, key: str | None) -> Model:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openrouter import OpenRouterModel
    from pydantic_ai.providers.openrouter import OpenRouterProvider

    client = AsyncOpenAI(
        api_key=key,
        base_url=base_url or "https://openrouter.ai/api/v1",
        http_client=create_async_httpx2_client(),
    )
    return OpenRouterModel(name, provider=OpenRouterProvider(openai_client=client))
