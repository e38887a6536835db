"""`puras demo`, as `make demo` calls it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import PURAS, environment


@pytest.mark.slow
def test_the_demo_makes_a_video_without_a_key_and_leaves_nothing_behind(tmp_path: Path) -> None:
    env = environment(tmp_path) | {
        # A key that happens to be there is not used: the demo is free.
        "ANTHROPIC_API_KEY": "sk-none",
        "FAL_KEY": "none",
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    done = subprocess.run([*PURAS, "demo"], env=env, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    results = list(_documents(done.stdout))
    assert [sorted(result) for result in results] == [
        ["height", "thumbnail", "width"],
        ["script", "still", "video", "voice"],
    ]
    video = results[1]["video"]
    assert f"Fetched {video}" in done.stderr
    assert "video/mp4" in done.stderr
    assert "shoot ok" in done.stderr
    assert "/login" not in done.stderr, "nobody would be there to open the link"
    assert "puras demo --keep" in done.stderr or "make dashboard" in done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def _documents(text: str) -> list[dict[str, str]]:
    decoder, found, at = json.JSONDecoder(), [], 0
    while (begin := text.find("{", at)) >= 0:
        document, at = decoder.raw_decode(text, begin)
        found.append(document)
    return found
