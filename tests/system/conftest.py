"""A whole server: `puras serve` as its own process, in a home folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

PURAS = (sys.executable, "-m", "puras.cli.main")
_STOP_SECONDS = 20


@dataclass(frozen=True)
class Served:
    """A running server: where it is, its first key, a link that signs a browser in with it, and the
    home folder it was started in.

    `key` and `link` are empty where the server already had its data, for they are shown only once.
    """

    base: str
    key: str
    home: Path
    data: Path
    process: subprocess.Popen[str]
    link: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a user on this machine, who is logged in by the server's start."""
        return environment(self.home)

    def puras(
        self, *arguments: str, env: dict[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as that user."""
        return subprocess.run(
            [*PURAS, *arguments],
            env=self.environment | (env or {}),
            capture_output=True,
            text=True,
            timeout=90,
            **options,
        )

    def stop(self) -> int:
        """Stop it as an operator would, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_SECONDS)


@contextmanager
def serving(home: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Served]:
    """Serve until the block ends. Ready means: the server has said so itself."""
    home.mkdir(parents=True, exist_ok=True)
    data = home / "data"
    with (home / "server.log").open("a") as log:
        process = subprocess.Popen(
            [*PURAS, "serve", "--port", "0", "--data", str(data), "--output", "json", *options],
            env=environment(home) | (env or {}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        said = _first_line(process.stdout, home / "server.log")
        link = said["link"] or ""
        yield Served(said["url"], said["key"] or "", home, data, process, link)
    finally:
        _end(process)
        process.stdout.close()


@contextmanager
def working(home: Path, *, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run jobs until the block ends, on the data of a server in the same home folder."""
    log = home / "worker.log"
    with log.open("a") as file:
        process = subprocess.Popen(
            [*PURAS, "worker", "--data", str(home / "data"), "--output", "json"],
            env=environment(home) | env,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    assert process.stdout is not None
    try:
        _first_line(process.stdout, log)
        yield process
    finally:
        _end(process)
        process.stdout.close()


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user on this machine."""
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


def _first_line(stdout: IO[str], log: Path) -> dict[str, Any]:
    line = stdout.readline()
    assert line, f"the server did not start:\n{log.read_text()}"
    said: dict[str, Any] = json.loads(line)
    return said


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that do not stop it or count what is in it."""
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture
def skills(tmp_path: Path) -> Path:
    """A bundle of function skills that end in different ways."""
    folder = tmp_path / "skills"
    _write(folder, "greet", _GREET, properties="name: {type: string}", required="[name]")
    _write(folder, "fail", _FAIL)
    _write(folder, "sleep", _SLEEP, properties="seconds: {type: number, default: 60}")
    _write(folder, "measure", _MEASURE, properties="data: {type: file}", required="[data]")
    return folder


def _write(
    folder: Path, name: str, code: str, *, properties: str = "{}", required: str = "[]"
) -> None:
    inline = properties if properties == "{}" else f"\n    {properties}"
    (folder / name).mkdir(parents=True)
    (folder / name / "main.py").write_text(code)
    (folder / name / "skill.yaml").write_text(
        f"description: It can {name}.\n"
        "entrypoint: main.py:run\n"
        f"input_schema:\n  type: object\n  properties: {inline}\n  required: {required}\n"
    )


_GREET = """\
import puras

def run(name):
    print("greeting", name)
    puras.progress(0.5, "half way")
    return {"message": f"Hello {name}"}
"""
_FAIL = """\
def run():
    raise ValueError("it broke")
"""
_SLEEP = """\
import time

def run(seconds=60):
    print("asleep", flush=True)
    time.sleep(seconds)
    return {"slept": seconds}
"""
_MEASURE = """\
import puras

def run(data):
    return {"size": len(puras.load_bytes(data))}
"""
