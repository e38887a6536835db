"""A run's folder goes, whatever the run has left in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from puras.server.worker.process.clearing import remove
from puras.server.worker.process.run_folder import RunFolders

from .support import Bench, until_gone

DEEP = 3_000


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    place = Path(tempfile.mkdtemp(prefix="puras-clearing-"))
    place.chmod(0o777)
    yield place
    remove(place)


def fill(folder: Path) -> None:
    for name in ("a", "a/b", "c", "c/b"):
        (folder / name).mkdir()
        (folder / name / "file").write_text("x")
    (folder / "link").symlink_to("/etc")
    os.mkfifo(folder / "c" / "pipe")


def test_files_folders_links_and_pipes_are_gone(folder: Path) -> None:
    (folder / "run").mkdir()
    fill(folder / "run")
    remove(folder / "run")
    assert list(folder.iterdir()) == []


def test_what_a_link_leads_to_stays(folder: Path) -> None:
    (folder / "kept").mkdir()
    fill(folder / "kept")
    (folder / "run").symlink_to("kept")
    remove(folder / "run")
    assert (folder / "kept" / "a" / "b" / "file").exists()


def test_a_folder_that_is_not_there_is_no_error(folder: Path) -> None:
    remove(folder / "nothing")


def test_permissions_that_a_run_took_away_are_no_hindrance(folder: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from puras.server.worker.process.clearing import remove\n"
        "os.getuid() or os.setuid(65534)\n"
        "run = pathlib.Path(sys.argv[1])\n"
        "(run / 'a' / 'b').mkdir(parents=True)\n"
        "for path in (run / 'a' / 'b', run / 'a', run): path.chmod(0)\n"
        "remove(run)\n"
        "sys.exit(run.exists())"
    )
    package = Path(sys.modules["puras"].__path__[0]).parent
    interpreter = "/usr/bin/python3" if os.getuid() == 0 else sys.executable
    if not os.path.exists(interpreter):
        pytest.skip("another user can't reach the interpreter")
    source = folder / "source"
    subprocess.run(["cp", "-r", str(package), str(source)], check=True)
    subprocess.run(
        [interpreter, "-c", code, str(folder / "run")],
        check=True,
        env={"PYTHONPATH": str(source)},
    )


async def test_folders_nested_deeper_than_any_recursion_stop_no_server(bench: Bench) -> None:
    result = await bench.result(f"""
        import os
        def run():
            here = os.getcwd()
            for _ in range({DEEP}):
                os.mkdir("d")
                os.chdir("d")
            return {{"folder": here}}
    """)
    await until_gone(Path(result["folder"]).parent)
    await bench.runner.close()  # as before a start: nobody works there
    left = RunFolders(bench.home).root / "left"
    os.makedirs(left)
    deep = os.open(left, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=deep)
        inner = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(deep)
    RunFolders(bench.home)
    assert not left.exists()
