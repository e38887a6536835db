"""The synchronous client, and its tests, are what the script would write."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import puras

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts/unasync.py"


def test_the_generated_files_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_generated_file_says_so_in_its_first_line() -> None:
    generated = [ROOT / "src/puras/client/_sync.py", *Path(__file__).parent.glob("test_sync_*.py")]
    assert len(generated) == 4
    for path in generated:
        assert path.read_text().startswith("# Generated from "), path
        assert "await" not in path.read_text(), path


SIGNATURES = {
    "__init__": "api_key=None, skillpack=None, *, api_base=None, timeout=120.0, max_retries=2, "
    "http_client=None",
    "submit": "skill, inputs=None, *, skillpack=None, version=None, wait=False, timeout=60, "
    "idempotency_key=None",
    "run": "skill, inputs=None, *, skillpack=None, version=None, timeout=600, poll_interval=2.0, "
    "on_event=None",
    "get": "job_id",
    "wait": "job_id, *, timeout=600, poll_interval=2.0",
    "events": "job_id, *, after_id=0, transport='auto', poll_interval=1.5",
    "feedback": "job_id, *, rating=0, comment=None, end_user_id=None",
    "cancel": "job_id",
    "upload": "file, *, path=None",
    "close": "",
}


@pytest.mark.parametrize("name", SIGNATURES)
@pytest.mark.parametrize("client", [puras.Puras, puras.AsyncPuras])
def test_a_methods_names_order_and_defaults_are_those_of_the_contract(
    client: type[object], name: str
) -> None:
    signature = inspect.signature(getattr(client, name))
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in list(signature.parameters.values())[1:]
    ]
    expected = str(inspect.Signature(bare)).removeprefix("(").removesuffix(")")
    assert expected == SIGNATURES[name]
