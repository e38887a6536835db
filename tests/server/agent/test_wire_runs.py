"""Whole runs through each provider's own wire format: a job in, a result and a bill out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.providers.model_server import Fail, ModelServer, model_server
from tests.providers.wire.say import Say

from puras.server.agent.models.operator import open_models
from puras.server.billing import store as billing

from ..jobs.bench import open_bench
from .scripted import agent

SLUGS = [
    "anthropic/claude-haiku-4.5",
    "openai/gpt-6.1-sol",
    "google/gemini-3.8-flash",
    "openrouter/anthropic/claude-sonnet-4.5",
    "ollama/qwen3:8b",
]


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def _asking(provider: ModelServer) -> Any:
    """Open the real models of a server, with the provider's addresses and key."""
    return lambda settings, _: open_models(settings, provider.environment, first_delay_seconds=0.01)


def _own_models(folder: Path, url: str) -> Path:
    file = folder / "models.yaml"
    file.write_text(
        f'ollama/*: {{provider: openai-compatible, model: "*", base_url: {url}/v1, '
        "input_usd_per_mtok: 1, output_usd_per_mtok: 2}",
        encoding="utf-8",
    )
    return file


@pytest.mark.slow
async def test_a_run_of_each_provider_family_succeeds_and_is_paid_for(
    provider: ModelServer, tmp_path: Path
) -> None:
    own = _own_models(tmp_path, provider.url)
    async with open_bench(tmp_path / "data", models=_asking(provider), models_file=own) as bench:
        for number, slug in enumerate(SLUGS):
            name = f"ask{number}"
            await bench.deploy(agent(name, text_model=slug))
            provider.script(
                Say("Let me see.", calls=[("memory_search", {"query": "tea"})]),
                Fail(429, retry_after=0),
                Say(calls=[("set_output", {"answer": 7})]),
                Say(calls=[("set_output", {"answer": "green"})]),
            )
            job = await bench.run(name, {"topic": "tea"})
            assert (job["status"], job["result"]) == ("succeeded", {"answer": "green"}), slug
            assert job["usage"]["input_tokens"] == 300
            assert job["cost_micros"] > 0
            answers = [
                event["payload"]["model"]
                for event in await bench.events(job["id"])
                if event["type"] == "model_response"
            ]
            assert answers == [slug] * 3
        assert await bench.platform.db.read(billing.audit) == []


@pytest.mark.slow
async def test_a_run_whose_provider_refuses_fails_with_what_it_said(
    provider: ModelServer, tmp_path: Path
) -> None:
    provider.script(Fail(400, "this is odd"))
    async with open_bench(tmp_path / "data", models=_asking(provider)) as bench:
        await bench.deploy(agent("ask", text_model="claude/haiku-4.5"))
        job = await bench.run("ask", {})
        assert (job["status"], job["error_code"]) == ("failed", "model_error")
        assert "this is odd" in job["error"]
        assert await bench.platform.db.read(billing.audit) == []
