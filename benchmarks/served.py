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

ROOT = Path(__file__).parents[1]
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

def run(events=100, pause=0.1, begin=0):
    begun = max(begin, time.time())
    for n in range(events):
        time.sleep(max(0, begun + n * pause - time.time()))
        puras.log(repr(time.time()))
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
def serving(**settings: str) -> Iterator[Served]:
    """Serve on SQLite in the block, with the skills `fresh`, `warm` and `ticker` of `bench`."""
    with (
        tempfile.TemporaryDirectory(prefix="puras-bench-") as folder,
        started(Path(folder), **settings) as served,
    ):
        deploy(served)
        yield served


@contextmanager
def serving_on_postgres(**settings: str) -> Iterator[Served]:
    """Serve the same skills, on a PostgreSQL that survives a power cut as SQLite does."""
    with (
        durable_postgres() as url,
        tempfile.TemporaryDirectory(prefix="puras-bench-") as folder,
        started(Path(folder), database=url, **settings) as served,
    ):
        deploy(served)
        yield served


@contextmanager
def durable_postgres() -> Iterator[str]:
    """Give the URL of an empty database, in a PostgreSQL that syncs what it commits."""
    sys.path.append(str(ROOT))
    from tests.postgres import running_postgres

    with running_postgres(durable=True) as server:
        yield server.fresh()


DATABASES = {"SQLite": serving, "PostgreSQL": serving_on_postgres}
"""Each by its name, with what serves on it."""


@contextmanager
def started(home: Path, *, database: str | None = None, **settings: str) -> Iterator[Served]:
    """Start `puras serve` on a folder; inside of the block it is ready.

    `database` is the URL of a PostgreSQL database; without it the server has SQLite. `settings` are
    more of its variables.
    """
    if database is not None:
        settings["PURAS_DATABASE_URL"] = database
    with (home / "server.log").open("a") as log:
        process = subprocess.Popen(
            [*PURAS, "serve", "--port", "0", "--data", str(home / "data"), "--output", "json"],
            env=environment(home) | settings,
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
