"""A JavaScript client, written from the hosted product's reference, against a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import Served

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
CLIENT = Path(__file__).with_name("peer_client.mjs")
HELLO_GRACE = {
    ("status", "queued"),
    ("status", "running"),
    ("log", "greeting Grace"),
    ("progress", "half way"),
    ("status", "succeeded"),
}


@pytest.fixture
def told(server: Served, skills: Path) -> dict[str, Any]:
    """What the client said of its day, with the base's slash left at its end."""
    deployed = server.puras("deploy", str(skills), "--skillpack", "skills")
    assert deployed.returncode == 0, deployed.stderr
    keys = {
        "PURAS_API_KEY": server.key,
        "APP_KEY": minted(server, "--publishable", "--skill", "skills/greet"),
        "CAPPED_KEY": minted(server, "--publishable", "--daily-cap", "0"),
    }
    assert NODE is not None
    ran = subprocess.run(
        [NODE, str(CLIENT)],
        env={**server.environment, **keys, "PURAS_API_BASE": f"{server.base}/"},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    said: dict[str, Any] = {}
    for line in ran.stdout.splitlines():
        said |= json.loads(line)
    return said


def minted(server: Served, *fences: str) -> str:
    done = server.puras("keys", "mint", "--name", "peer", *fences)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_client_written_from_the_reference_works_unchanged(told: dict[str, Any]) -> None:
    assert told["run"] == {"message": "Hello Ada"}
    assert told["submitted"] == {"id": True, "known": True}
    assert [event[0] for event in told["streamed"]] == [1, 2, 3, 4, 5]
    # What a skill prints and what it tells go different ways, so either may come first.
    assert {(kind, text) for _, kind, text in told["streamed"]} == HELLO_GRACE
    assert told["polled"] == told["streamed"]
    assert told["resumed"] == [4, 5]
    assert told["done"] == {"message": "Hello Grace"}
    assert told["waited"] == ["succeeded", {"message": "Hello A"}, 1]
    assert told["by id"] == {"message": "Hello B"}
    assert (told["not over"], told["left"]) == (False, "running")
    assert told["app"] == {"message": "Hello C"}
    failures = {
        name: (value["name"], value["status"]) for name, value in told.items() if failed(value)
    }
    assert failures == {
        "timed out": ("JobError", "running"),
        "failed": ("JobError", "failed"),
        "wrong inputs": ("PurasAPIError", 400),
        "no skill": ("PurasAPIError", 404),
        "no job": ("PurasAPIError", 404),
        "no key": ("PurasAPIError", 401),
        "fenced": ("PurasAPIError", 403),
        "capped": ("PurasAPIError", 429),
    }
    assert "ValueError: it broke" in told["failed"]["text"]
    assert "not allowed to run `local/skills/fail`" in told["fenced"]["text"]


def failed(value: Any) -> bool:
    return isinstance(value, dict) and "text" in value
