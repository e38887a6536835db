from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from puras.server.billing.routes import routes
from puras.server.keys.fences import Fences
from puras.server.platform import Platform

from ..support import make_workspace, mint, open_platform, problem, serving


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as opened:
        yield opened


async def test_the_balance_is_that_of_the_key_s_workspace(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    workspace = await make_workspace(platform, credits_usd=3)
    for fences in (Fences(), Fences(daily_cap_micros=5)):
        key = await mint(platform, workspace, fences=fences)
        answer = await client.get("/v1/billing/balance", headers=key.headers)
        assert answer.json() == {
            "workspace_id": workspace,
            "workspace": "local",
            "balance_micros": 3_000_000,
            "balance_usd": 3.0,
            "spent_today_micros": 0,
        }


async def test_a_publishable_key_may_not_see_the_balance(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    key = await mint(platform, await make_workspace(platform), kind="publishable")
    answer = await client.get("/v1/billing/balance", headers=key.headers)
    assert problem(answer) == (403, "key_kind_not_allowed")
    assert problem(await client.get("/v1/billing/balance")) == (401, "invalid_api_key")
