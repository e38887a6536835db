"""`deployments` and `activate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run
from .loopback import Loopback


@pytest.fixture
def pack(server: Loopback, home: Path) -> dict[str, Any]:
    """A skillpack with versions 1, 2, 3; 3 is active. The current folder belongs to it."""
    pack = server.add_skillpack("greetings")
    for _ in range(3):
        server.add_deployment(pack)
    Path("puras.yaml").write_text("slug: greetings\n")
    return pack


def active(server: Loopback, pack: dict[str, Any]) -> int:
    return next(each["version"] for each in server.deployments[pack["id"]] if each["is_active"])


def test_versions_are_listed_newest_first(puras: Run, pack: dict[str, Any]) -> None:
    rows = [row.split("\t") for row in puras("deployments").stdout.splitlines()]
    assert [row[:4] for row in rows] == [
        ["3", "yes", "hello", "1.2 kB"],
        ["2", "no", "hello", "1.2 kB"],
        ["1", "no", "hello", "1.2 kB"],
    ]


def test_the_skillpack_is_named_or_taken_from_the_folder(puras: Run, pack: dict[str, Any]) -> None:
    Path("puras.yaml").unlink()
    missing = puras("deployments")
    assert missing.exit_code == 2
    assert "name it with --skillpack" in missing.stderr
    assert puras("deployments", "--skillpack", "greetings").exit_code == 0
    assert puras("deployments", "--app", "greetings").exit_code == 0


@pytest.mark.parametrize("wanted", ["2", "v2"])
def test_activate_takes_a_version(
    puras: Run, server: Loopback, pack: dict[str, Any], wanted: str
) -> None:
    assert puras("activate", wanted).stdout == "Version 2 is active.\n"
    assert active(server, pack) == 2


def test_activate_takes_a_deployments_id(
    puras: Run, server: Loopback, pack: dict[str, Any]
) -> None:
    wanted = server.deployments[pack["id"]][2]
    result = puras("activate", wanted["id"], "--output", "json")
    assert json.loads(result.stdout)["version"] == 1


def test_rollback_goes_to_the_version_before_the_active_one(
    puras: Run, server: Loopback, pack: dict[str, Any]
) -> None:
    puras("activate", "--rollback")
    assert active(server, pack) == 2
    puras("activate", "--rollback")
    assert active(server, pack) == 1
    last = puras("activate", "--rollback")
    assert last.exit_code == 4
    assert "no version before the active one" in last.stderr


def test_an_unknown_version_names_those_there_are(puras: Run, pack: dict[str, Any]) -> None:
    result = puras("activate", "9")
    assert result.exit_code == 4
    assert "there is no version 9; there are: 3, 2, 1" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["2", "--rollback"]])
def test_activate_takes_either_a_version_or_rollback(
    puras: Run, server: Loopback, pack: dict[str, Any], arguments: list[str]
) -> None:
    assert puras("activate", *arguments).exit_code == 2
    assert server.seen == []


def test_delete_takes_a_version(puras: Run, server: Loopback, pack: dict[str, Any]) -> None:
    assert puras("deployments", "delete", "1").stdout == "Deleted version 1.\n"
    assert [each["version"] for each in server.deployments[pack["id"]]] == [3, 2]


def test_a_version_in_use_is_not_deleted(
    puras: Run, server: Loopback, pack: dict[str, Any]
) -> None:
    target = server.deployments[pack["id"]][0]["id"]
    path = f"DELETE /v1/skillpacks/greetings/deployments/{target}"
    server.refuse(path, 409, "deployment_in_use")
    assert puras("deployments", "delete", "3").exit_code == 1
