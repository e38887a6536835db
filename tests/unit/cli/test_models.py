"""`models`: what can be used, and why the rest can't."""

from __future__ import annotations

import json
from typing import Any

from .conftest import Run
from .loopback import Loopback

MODELS: list[dict[str, Any]] = [
    {
        "slug": "anthropic/claude-sonnet-5.5",
        "provider": "anthropic",
        "usable": False,
        "why_not": "`anthropic/claude-sonnet-5.5` needs a key",
        "input_usd_per_mtok": 2.0,
        "output_usd_per_mtok": 10.0,
        "vision": True,
        "pdf": True,
    },
    {
        "slug": "openai/gpt-6-luna",
        "provider": "openai",
        "usable": True,
        "input_usd_per_mtok": 0.1,
        "output_usd_per_mtok": 0.5,
        "vision": True,
        "pdf": True,
    },
    {
        "slug": "openrouter/*",
        "provider": "openrouter",
        "usable": True,
        "input_usd_per_mtok": None,
        "output_usd_per_mtok": None,
        "vision": False,
        "pdf": False,
    },
]


def test_usable_models_are_listed_and_the_rest_say_what_they_need(
    puras: Run, server: Loopback
) -> None:
    server.script("GET /v1/models", MODELS)
    shown = puras("models")
    assert [line.split("\t") for line in shown.stdout.splitlines()] == [
        ["openai/gpt-6-luna", "openai", "$0.1/M", "$0.5/M", "images, PDF"],
        ["openrouter/*", "openrouter", "-", "-", "-"],
    ]
    assert "`anthropic/claude-sonnet-5.5` needs a key" in shown.stderr


def test_json_has_every_model(puras: Run, server: Loopback) -> None:
    server.script("GET /v1/models", MODELS)
    assert json.loads(puras("models", "--output", "json").stdout) == MODELS
