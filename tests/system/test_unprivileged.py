"""A server as in a container: a user without any right, and nothing to write to but its data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import PURAS, environment

_CONFINED = """\
set -e
mount --bind "$DATA" "$DATA"
mount -o remount,ro,bind /
cd "$DATA"
exec unshare --user --map-user=10001 --map-group=10001 -- "$@"
"""


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    """A server in a folder of a short name, for its runs to lie in it."""
    with tempfile.TemporaryDirectory(prefix="puras-") as data:
        command = ("serve", "--port", "0", "--no-login", "--output", "json")
        with subprocess.Popen(
            ["unshare", "--mount", "--", "sh", "-c", _CONFINED, "sh", *PURAS, *command],
            env=environment(Path(data)) | {"DATA": data, "PURAS_HOME": data},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield process
            process.terminate()
            assert process.wait(30) == 0


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="only root can mount a disk read-only"
)
def test_a_server_runs_without_rights_on_a_disk_that_is_read_only(
    server: subprocess.Popen[str], tmp_path: Path, skills: Path
) -> None:
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert "CapEff:\t0000000000000000" in status
    assert "ro" in _root_options(server.pid)
    login = {"PURAS_API_BASE": said["url"], "PURAS_API_KEY": said["key"]}
    _puras(tmp_path, login, "deploy", str(skills))
    ran = _puras(tmp_path, login, "run", "skills/greet", "-i", "name=Ada")
    assert json.loads(ran.stdout) == {"message": "Hello Ada"}


def _puras(home: Path, login: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PURAS, *arguments],
        env=environment(home) | login,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done


def _root_options(pid: int) -> list[str]:
    """Return how the disk is mounted that a process sees."""
    mounts = (line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines())
    return next(fields[5].split(",") for fields in mounts if fields[4] == "/")
