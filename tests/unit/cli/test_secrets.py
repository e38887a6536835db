"""`secrets`: a value is read from where it is safe, and never shown."""

from __future__ import annotations

import json

import pytest

from .conftest import Run
from .loopback import NOW, Loopback

PATH = "/v1/skillpacks/pack/secrets"
KEPT = {"name": "TOKEN", "updated_at": NOW}
AT = ("--skillpack", "pack")


@pytest.mark.parametrize(
    ("given", "value"),
    [("value\n", "value"), ("value\r\n", "value"), ("a\nb\n\n", "a\nb\n"), ("ß", "ß")],
)
def test_a_value_is_read_from_standard_input_less_one_newline(
    puras: Run, server: Loopback, given: str, value: str
) -> None:
    server.script(f"PUT {PATH}", KEPT)
    result = puras("secrets", "set", "TOKEN", *AT, input=given)
    assert result.exit_code == 0
    assert server.seen[-1].json == {"name": "TOKEN", "value": value}
    assert value not in result.stdout.replace("TOKEN", "")


def test_a_value_may_stand_on_the_command_line(puras: Run, server: Loopback) -> None:
    server.script(f"PUT {PATH}", KEPT)
    assert puras("secrets", "set", "TOKEN", "value", *AT).stdout == "Set TOKEN.\n"
    assert server.seen[-1].json == {"name": "TOKEN", "value": "value"}


def test_what_is_no_text_is_a_usage_error(puras: Run, server: Loopback) -> None:
    result = puras("secrets", "set", "TOKEN", *AT, input=b"\xff\xfe")
    assert result.exit_code == 2
    assert server.seen == []


@pytest.mark.parametrize("words", [["secrets"], ["secrets", "ls"], ["secrets", "list"]])
def test_names_are_listed(puras: Run, server: Loopback, words: list[str]) -> None:
    server.script(f"GET {PATH}", [KEPT])
    assert puras(*words, *AT).stdout == "TOKEN\t2026-11-25 12:00:00\n"
    assert json.loads(puras(*words, *AT, "--output", "json").stdout) == [KEPT]


def test_there_being_none_is_said(puras: Run, server: Loopback) -> None:
    server.script(f"GET {PATH}", [])
    assert "puras secrets set NAME" in puras("secrets", "ls", *AT).stderr


def test_a_secret_is_deleted(puras: Run, server: Loopback) -> None:
    server.script(f"DELETE {PATH}/TOKEN", None, 204)
    assert puras("secrets", "rm", "TOKEN", *AT).stdout == "Deleted TOKEN.\n"
    server.refuse(f"DELETE {PATH}/TOKEN", 404, "secret_not_found")
    result = puras("secrets", "rm", "TOKEN", *AT)
    assert result.exit_code == 4
    assert "puras secrets ls" in result.stderr


def test_without_a_skillpack_nothing_is_asked(puras: Run, server: Loopback) -> None:
    assert puras("secrets", "ls").exit_code == 2
    assert server.seen == []
