"""What tests of an agent's tools share: a run with hands, and one without namespaces too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..support import open_platform
from .support import Bench, open_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_platform(tmp_path) as platform, open_bench(platform) as bench:
        yield bench


@pytest.fixture(params=[True, False], ids=["namespaces", "plain"])
async def either_bench(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A run with namespaces, and one that does without."""
    async with (
        open_platform(tmp_path) as platform,
        open_bench(platform, namespaces=request.param) as bench,
    ):
        yield bench
