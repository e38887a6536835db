"""Every command in the documentation is one that `puras` has, with options that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from puras.cli.command import Group
from puras.cli.main import SECTIONS, cli

from .pages import ALL, ROOT, name

_FENCED = re.compile(r"^```(?:console|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_IN_TEXT = re.compile(r"`(puras [a-z][^`]*)`")
_START = re.compile(r"(?:^|[\s(])(?:/\S+/)?puras (?=[a-z])")
_END = re.compile(r"\s*(?:&&|\|\||[|;#<>)]|\d?>)")


def commands(text: str) -> Iterator[str]:
    """Yield what a text tells its reader to type, each from `puras` on."""
    for block in _FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in _START.split(line.partition("# ")[0])[1:]:
                yield _END.split(part, maxsplit=1)[0].strip()
    for found in _IN_TEXT.findall(text):
        yield found.removeprefix("puras ")


def check(command: str) -> None:
    """Walk from group to command. Raises AssertionError for what does not exist."""
    found: click.Command = cli
    context = click.Context(cli, info_name="puras")
    words = command.split()
    while isinstance(found, click.Group) and (words or isinstance(found, Group)):
        word = words.pop(0) if words and not words[0].startswith("-") else "list"
        below = found.get_command(context, word)
        assert below is not None, f"there is no command `puras {command}`"
        context, found = click.Context(below, info_name=word, parent=context), below
    known = {option for parameter in found.get_params(context) for option in parameter.opts}
    known |= {o for parameter in found.get_params(context) for o in parameter.secondary_opts}
    for word in words:
        if re.match(r"--?[a-z]", word):
            assert word.partition("=")[0] in known, f"`puras {command}` has no option {word}"


@pytest.mark.parametrize("page", ALL, ids=name)
def test_a_page_tells_of_no_command_that_does_not_exist(page: Path) -> None:
    for command in commands(page.read_text("utf-8")):
        check(command)


def test_a_command_that_does_not_exist_is_noticed() -> None:
    for wrong in ("frobnicate", "run --frobnicate", "admin frobnicate", "keys mint --cap 5"):
        with pytest.raises(AssertionError):
            check(wrong)


def test_commands_are_found_wherever_they_stand() -> None:
    block = "```console\nID=$(puras run a/b -i n=1) && puras logs x # puras no\n```"
    text = f"Type `puras jobs`.\n{block}\n"
    assert list(commands(text)) == ["run a/b -i n=1", "logs x", "jobs"]


@pytest.mark.parametrize("command", [each for names in SECTIONS.values() for each in names])
def test_a_command_is_in_the_reference(command: str) -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    assert f"### `puras {command}`\n" in page
