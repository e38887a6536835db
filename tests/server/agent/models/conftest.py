"""One process that asks the providers, and one server that plays them, for all tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.providers.model_server import ModelServer, model_server

from puras.server.agent.models.operator import OperatorModels, open_models
from puras.server.settings import read_settings

_OWN = """
local/llama:
  provider: openai-compatible
  model: llama-4
  base_url: {url}/v1
  input_usd_per_mtok: 0
  output_usd_per_mtok: 0
openrouter/anthropic/claude-sonnet-4.5: {{provider: openrouter, model: anthropic/claude-sonnet-4.5,
  vision: true, pdf: true}}
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def _playing() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture
def provider(_playing: ModelServer) -> ModelServer:
    """The provider, with nothing to say and nothing asked yet."""
    _playing.reset()
    return _playing


@pytest.fixture(scope="module")
async def models(
    _playing: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OperatorModels]:
    home: Path = tmp_path_factory.mktemp("home")
    own = home / "models.yaml"
    own.write_text(_OWN.format(url=_playing.url), encoding="utf-8")
    settings = read_settings({"PURAS_MODELS": str(own)}, home=home)
    async with open_models(settings, _playing.environment, first_delay_seconds=0.01) as opened:
        yield opened
