"""What happens to a run whose calls the server could not answer."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from puras.server.storage.port import StorageUnavailable

from ..support import open_server
from ..test_on_s3 import deploy, run, upload


@pytest.mark.parametrize(
    "error",
    [StorageUnavailable("the bucket does not answer"), OSError(errno.ENOSPC, "no space left")],
    ids=["bucket", "disk"],
)
async def test_a_run_that_fails_since_a_file_could_not_be_kept_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async with open_server(tmp_path) as server:
        await deploy(server)
        given = await upload(server)
        write, asked = server.platform.storage.write, []

        async def away_at_first(name: str, chunks: AsyncIterator[bytes], **options: Any) -> int:
            asked.append(name)
            if len(asked) == 1:
                raise error
            return await write(name, chunks, **options)

        monkeypatch.setattr(server.platform.storage, "write", away_at_first)
        job = await run(server, {"file": given})
    assert job["attempt"] == 2
