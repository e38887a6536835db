"""What tests of the runner share: a data folder with a runner, with and without namespaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.worker.process.runner import FunctionRunner

from .support import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    runner = await FunctionRunner.open(tmp_path)
    yield Bench(tmp_path, runner)
    await runner.close()


@pytest.fixture(params=[True, False], ids=["namespaces", "plain"])
async def either_bench(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A runner with namespaces, and one that does without."""
    runner = await FunctionRunner.open(tmp_path, namespaces=request.param)
    yield Bench(tmp_path, runner)
    await runner.close()
