from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from puras.server.catalog.routes import routes
from puras.server.keys.fences import Fences
from puras.server.platform import Platform

from ..support import make_workspace, mint, open_platform, problem, serving

_OWN = """
ollama/*:
  {provider: openai-compatible, model: "*", base_url: http://localhost:11434/v1,
  input_usd_per_mtok: 0, output_usd_per_mtok: 0}
openai/unheard: {provider: openai, model: unheard-of-1}
"""


@pytest.fixture
async def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    own = tmp_path / "models.yaml"
    own.write_text(_OWN, encoding="utf-8")
    async with open_platform(tmp_path, models_file=own) as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as client:
        yield client


async def test_every_model_says_whether_it_can_be_used_and_what_it_costs(
    platform: Platform, client: httpx2.AsyncClient
) -> None:
    key = await mint(platform, await make_workspace(platform), fences=Fences(daily_cap_micros=1))
    found = {
        model["slug"]: model
        for model in (await client.get("/v1/models", headers=key.headers)).json()
    }
    assert [*found][0:1] + [*found][-1:] == ["ollama/*", "local/draft"]
    assert found["local/draft"] == {
        "slug": "local/draft",
        "provider": "draft",
        "usable": True,
        "input_usd_per_mtok": 0.0,
        "output_usd_per_mtok": 0.0,
        "vision": True,
        "pdf": True,
    }
    assert found["ollama/*"]["usable"]
    assert found["openai/gpt-6.1-sol"]["usable"]
    assert found["openai/gpt-6.1-sol"]["output_usd_per_mtok"] > 0
    assert "`ANTHROPIC_API_KEY`" in found["anthropic/claude-sonnet-5.5"]["why_not"]
    assert not found["anthropic/claude-sonnet-5.5"]["usable"]
    assert "PURAS_MODELS" in found["openai/unheard"]["why_not"]
    assert "`OPENROUTER_API_KEY`" in found["openrouter/*"]["why_not"]
    assert found["openrouter/*"]["input_usd_per_mtok"] is None


async def test_publishable_keys_see_no_models(
    platform: Platform, client: httpx2.AsyncClient
) -> None:
    key = await mint(platform, await make_workspace(platform), kind="publishable")
    answer = await client.get("/v1/models", headers=key.headers)
    assert problem(answer) == (403, "key_kind_not_allowed")
