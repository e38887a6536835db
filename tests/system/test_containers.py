"""What can be said of the containers' files where there are no containers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..docs.pages import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
PAGE = (ROOT / "docs" / "howto" / "containers.md").read_text("utf-8")


def test_the_secrets_that_compose_asks_for_are_those_that_the_page_makes() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text("utf-8")))
    made = set(re.findall(r"^(\w+)=.*openssl", PAGE, re.MULTILINE))
    assert asked <= made
    assert made - asked == {"PURAS_BOOTSTRAP_KEY", "PURAS_SECRETS_KEY"}  # by the whole file


def test_what_is_set_for_the_servers_are_settings() -> None:
    source = "\n".join(file.read_text("utf-8") for file in (ROOT / "src").rglob("settings.py"))
    for name in ("server", "worker"):
        for variable in COMPOSE["services"][name]["environment"]:
            assert variable in source or variable.startswith("AWS_")
        assert COMPOSE["services"][name]["read_only"]
        assert COMPOSE["services"][name]["cap_drop"] == ["ALL"]


@pytest.mark.skipif(not shutil.which("caddy"), reason="there is no caddy on this machine")
def test_the_proxy_of_compose_understands_its_file(tmp_path: Path) -> None:
    file = ROOT / "deploy" / "compose.caddy"
    done = subprocess.run(
        ["caddy", "adapt", "--config", str(file), "--adapter", "caddyfile"],
        env={"HOME": str(tmp_path), "FILES": "http://files.localhost:8080", "SERVERS": ":8080"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    servers = json.loads(done.stdout)["apps"]["http"]["servers"]
    assert [server["listen"] for server in servers.values()] == [[":8080"]]
