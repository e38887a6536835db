"""How much a run may write, however it hides it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from puras.server.worker.process import disk
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.runner import FunctionRunner

from .support import Bench

MIB = 1 << 20


def used(folder: Path, most: int = 1 << 40) -> int:
    return disk.used_bytes(os.open(folder, os.O_RDONLY), most)


def test_all_files_count_and_links_lead_nowhere(tmp_path: Path) -> None:
    for name in ("a", "a/b", "a/c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(os.urandom(MIB))
    (tmp_path / "root").symlink_to("/")
    (tmp_path / "hollow").touch()
    os.truncate(tmp_path / "hollow", 1 << 40)
    assert 3 * MIB <= used(tmp_path) < 4 * MIB
    assert MIB < used(tmp_path, most=MIB) < 4 * MIB
    with pytest.raises(FileNotFoundError):
        used(tmp_path / "nowhere")


def test_what_lies_deep_counts_too(tmp_path: Path) -> None:
    deep = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2_000):
        os.mkdir("d", dir_fd=deep)
        inner = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    with open(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=deep), "wb") as file:
        file.write(os.urandom(MIB))
    os.close(deep)
    before = len(os.listdir("/proc/self/fd"))
    assert used(tmp_path) >= MIB
    assert len(os.listdir("/proc/self/fd")) == before
    remove(tmp_path / "d")


async def test_a_run_that_fills_the_disk_is_stopped_and_its_files_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOOK_SECONDS", 0.05)
    runner = await FunctionRunner.open(tmp_path, disk_bytes=20 * MIB)
    bench = Bench(tmp_path, runner)
    fills = """
        import itertools, os, time
        def run(most):
            for n in itertools.count():
                if n >= most:
                    time.sleep(0.3)
                    return {"written": n}
                os.makedirs(f"{n}/inner")
                with open(f"{n}/inner/file", "wb") as file:
                    file.write(os.urandom(1 << 20))
                time.sleep(0.005)
    """
    failure = await bench.failure(fills, inputs={"most": 10_000}, timeout_seconds=60.0)
    assert failure.error_code == "function_error"
    assert "more than 20 MiB" in failure.error
    assert await bench.result(inputs={"most": 10}) == {"written": 10}
    await runner.close()
    assert not list((tmp_path / "runs").rglob("file"))
