"""The environment of skills without requirements: built once, and copied for each server here.

A build isolates `uv` first, which takes longer than the run that most tests are about. Builds as
such are tested in `worker/test_environments.py`, and by every server that is a process of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from puras.server.worker.build import Build

_build = Build.install
_kept = tempfile.TemporaryDirectory(prefix="puras-environment-", ignore_cleanup_errors=True)


@contextmanager
def environments_built_once() -> Iterator[None]:
    """Let servers that begin inside of the block copy the first one's empty environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Build, "install", _install)
        yield


async def _install(build: Build, lock: bytes) -> Path:
    if lock.strip():
        return await _build(build, lock)
    kept = Path(_kept.name, "environment")
    if kept.exists():
        return shutil.copytree(kept, build.folder / "environment", symlinks=True)
    built = await _build(build, lock)
    shutil.copytree(built, kept, symlinks=True)
    return built
