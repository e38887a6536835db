"""A reader of the documentation: a server, a folder to work in, and a shell that has `puras`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..system.conftest import Served, serving
from . import javascript
from .pages import ROOT

_SECONDS = 60


@dataclass(frozen=True)
class Reader:
    """Somebody who does what a page says, in `folder`, as the one whose first key it is."""

    served: Served
    folder: Path

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        return self._run(["bash", "-euo", "pipefail", "-c", script])

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-W", "error", "-c", code])

    def javascript(self, code: str) -> subprocess.CompletedProcess[str]:
        javascript.install(self.folder)
        self.write("block.mjs", code)
        return self._run(["node", "block.mjs"])

    def check_component(self, code: str) -> subprocess.CompletedProcess[str]:
        """Compile it, for it needs a page to run in."""
        javascript.install(self.folder)
        self.write("block.tsx", code)
        return self._run([str(javascript.TSC), *javascript.STRICTLY, "block.tsx"])

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(self.served.home),
                "PURAS_HOME": str(self.served.data),
                "PURAS_API_BASE": self.served.base,
                "PURAS_API_KEY": self.served.key,
            },
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader at the start of a page: nothing is deployed, and `examples` is at hand."""
    folder = tmp_path / "work"
    folder.mkdir()
    for bundle in {skill.parents[1] for skill in ROOT.glob("examples/*/*/skill.yaml")}:
        shutil.copytree(bundle, folder / "examples" / bundle.name)
    with serving(tmp_path / "home") as served:
        yield Reader(served, folder)
