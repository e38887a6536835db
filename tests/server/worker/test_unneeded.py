"""What stays on a machine of deployments that are gone: nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.worker.environments import Environments
from puras.server.worker.unneeded import remove_unneeded

from ..jobs.bench import ECHO, Bench, open_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "data") as opened:
        yield opened


async def test_what_a_deleted_deployment_left_is_removed_and_nothing_else(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.deploy(ECHO)
    assert (await bench.run("echo"))["status"] == "succeeded"
    platform, elsewhere = bench.platform, Environments(tmp_path / "elsewhere")
    (row,) = await bench.rows("SELECT id, workspace_id FROM deployments")
    await elsewhere.ensure("", row["workspace_id"], lambda _: None)
    stranger = await elsewhere.ensure("", "gone", lambda _: None)
    left = platform.settings.home / "bundles"
    (tree,) = left.glob(f"*/{row['id']}")
    (tree.parent / "gone").mkdir()
    draft = tree.parent / ".being-unpacked"
    draft.mkdir()

    assert await remove_unneeded(platform.db, platform.bundles, elsewhere) == 3
    assert tree.exists()
    assert draft.exists()
    assert not (tree.parent / "gone").exists()
    assert not stranger.exists()
    assert await remove_unneeded(platform.db, platform.bundles, elsewhere) == 0
    assert (await bench.run("echo"))["status"] == "succeeded"

    await bench.alter("UPDATE deployments SET deleted_at = 1")
    assert await remove_unneeded(platform.db, platform.bundles, elsewhere) == 3
    assert not tree.exists()
    assert elsewhere.all() == set()
