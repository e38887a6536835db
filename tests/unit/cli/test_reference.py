"""The reference page is what the commands say of themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_reference_page_is_up_to_date() -> None:
    script = ROOT / "scripts" / "cli_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_reference_page_names_every_exit_code() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    for code in (0, 1, 2, 3, 4, 5, 130):
        assert f"\n{code}  " in page
