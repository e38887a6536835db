"""`puras run -p` against a whole server, on the offline draft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import serving
from .test_subagents import write_bundle


@pytest.mark.slow
def test_a_prompt_is_run_alone_beside_a_skillpack_and_locally(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "family")
    report = tmp_path / "report.txt"
    report.write_text("All is well.")
    with serving(tmp_path / "home") as served:
        alone = served.puras("run", "-p", "Sum this up", "-i", f"report=@{report}")
        assert alone.returncode == 0, alone.stderr
        assert list(json.loads(alone.stdout)) == ["answer"]
        assert served.puras("deploy", str(bundle)).returncode == 0
        pack = ("--skillpack", "family", "--version", "1")
        beside = served.puras("run", "-p", "Take a nap", *pack, "--output", "json")
        assert beside.returncode == 0, beside.stderr
        job = json.loads(beside.stdout)
        assert (job["skillpack"], job["skill_name"]) == ("family", "@inline")
        again = served.puras("replay", job["id"], "--output", "json")
        assert json.loads(again.stdout)["status"] == "succeeded", again.stderr
        looked = served.puras("admin", "doctor", "--data", str(served.data))
        assert looked.returncode == 0, looked.stdout + looked.stderr
        local = served.puras("run", "-p", "Take a nap", "--local", "--dir", str(bundle))
        assert local.returncode == 0, local.stderr
        assert list(json.loads(local.stdout)) == ["answer"]
