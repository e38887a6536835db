"""Without the server's packages the CLI does everything but run a server, and says so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution, requires
from pathlib import Path

import pytest

import puras

from .loopback import KEY, Loopback


def base_distributions() -> list[Distribution]:
    """Return what `pip install puras` brings along, puras itself included."""
    found: dict[str, Distribution] = {}
    pending = ["puras"]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = distribution(name)
            lines = [line for line in requires(name) or [] if "extra ==" not in line]
            needed = [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in lines if _applies(line)]
            pending += [each for each in needed if each not in found]
    return list(found.values())


def _applies(line: str) -> bool:
    """Leave out what other versions of Python, or other systems, need."""
    from packaging.requirements import Requirement

    marker = Requirement(line).marker
    return marker is None or marker.evaluate()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the `site-packages` of a base install."""
    folder = tmp_path_factory.mktemp("site-packages")
    for each in base_distributions():
        for file in each.files or []:
            top, target = file.parts[0], Path(str(each.locate_file(file.parts[0])))
            if top not in ("..", "__pycache__", "puras") and not (folder / top).exists():
                (folder / top).symlink_to(target)
    (folder / "puras").symlink_to(Path(puras.__file__).parent)
    return folder


@pytest.fixture
def environment(packages: Path, server: Loopback, tmp_path: Path) -> dict[str, str]:
    login = {"PURAS_API_BASE": server.base, "PURAS_API_KEY": KEY, "HOME": str(tmp_path)}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages)} | login


def puras_command(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # -S leaves out the site-packages of the tests themselves.
    return subprocess.run(
        [sys.executable, "-S", "-m", "puras.cli.main", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_base_install_has_no_server(environment: dict[str, str]) -> None:
    found = subprocess.run(
        [sys.executable, "-S", "-c", "import starlette"], env=environment, capture_output=True
    )
    assert found.returncode == 1


def test_a_base_install_makes_deploys_and_runs_a_skill(
    environment: dict[str, str], server: Loopback, tmp_path: Path
) -> None:
    folder = str(tmp_path / "my-skills")
    for command in (
        ["init", folder],
        ["deploy", folder],
        ["run", "my-skills/hello", "-i", "name=Ada"],
        ["deployments", "--skillpack", "my-skills"],
        ["keys"],
        ["jobs"],
    ):
        done = puras_command(*command, environment=environment)
        assert done.returncode == 0, done.stderr
    assert server.asked("POST", "/v1/jobs")[0].json["inputs"] == {"name": "Ada"}


@pytest.mark.parametrize(
    "command", [["serve"], ["run", "hello", "--local"], ["admin", "workspace", "list"]]
)
def test_what_needs_the_server_says_what_to_install(
    environment: dict[str, str], command: list[str]
) -> None:
    done = puras_command(*command, environment=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'Next: pip install "puras[server]"' in done.stderr
