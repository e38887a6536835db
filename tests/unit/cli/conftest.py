"""Ways to run commands, in a home folder of their own, with a server or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from puras.cli.main import cli

from .loopback import KEY, Loopback, serving

Run = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serving() as state:
        yield state


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and the test's current folder beside it."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    for name in ("PURAS_API_KEY", "PURAS_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def run(home: Path) -> Run:
    """Runs a command that is not logged in."""

    def invoke(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(cli, arguments, catch_exceptions=False, **options)

    return invoke


@pytest.fixture
def puras(run: Run, server: Loopback) -> Run:
    """Runs a command that is logged in at the loopback server."""

    def invoke(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> Result:
        login = {"PURAS_API_BASE": server.base, "PURAS_API_KEY": KEY}
        return run(*arguments, env=login | (env or {}), **options)

    return invoke
