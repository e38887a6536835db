"""A Puras server to measure: its own process, fresh data, and skills that do almost nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PURAS = (sys.executable, "-m", "puras.cli.main")
_SKILL = """\
description: {name}
entrypoint: main.py:run
process: {process}
input_schema: {{type: object}}
"""
_NOTHING = "def run():\n    return {}\n"
_TICKER = """\
import time
import puras

def run(events=100, pause=0.1):
    for _ in range(events):
        puras.log(repr(time.time()))
        time.sleep(pause)
    return {}
"""


@dataclass(frozen=True)
class Served:
    """Where the server is, its first key, its folder, and the process."""

    url: str
    key: str
    home: Path
    process: subprocess.Popen[str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def serving(home: Path | None = None) -> Iterator[Served]:
    """Serve inside of the block, with the skills `fresh`, `warm` and `ticker` of `bench`.

    A `home` that was used before is served as it is.
    """
    if home is not None:
        with started(home) as served:
            yield served
        return
    with (
        tempfile.TemporaryDirectory(prefix="puras-bench-") as folder,
        started(Path(folder)) as served,
    ):
        deploy(served)
        yield served


@contextmanager
def started(home: Path) -> Iterator[Served]:
    """Start `puras serve` on a folder; inside of the block it is ready."""
    with (home / "server.log").open("a") as log:
        process = subprocess.Popen(
            [*PURAS, "serve", "--port", "0", "--data", str(home / "data"), "--output", "json"],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        key = said["key"] or (home / "key").read_text()
        (home / "key").write_text(key)
        yield Served(said["url"], key, home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


def deploy(served: Served) -> None:
    """Deploy the skills."""
    folder = served.home / "skills"
    _write(folder / "fresh", _NOTHING, process="fresh")
    _write(folder / "warm", _NOTHING, process="warm")
    _write(folder / "ticker", _TICKER, process="fresh")
    subprocess.run(
        [*PURAS, "deploy", str(folder), "--skillpack", "bench"],
        env=environment(served.home),
        check=True,
        capture_output=True,
    )


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


def _write(folder: Path, code: str, *, process: str) -> None:
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(code)
    (folder / "skill.yaml").write_text(_SKILL.format(name=folder.name, process=process))
