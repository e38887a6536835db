"""Writes docs/reference/cli.md from the commands themselves; `--check` tells if it is out of date.

Every word comes from the code: help texts, options, defaults, exit codes.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from puras.cli import failures, inputs
from puras.cli.main import SECTIONS, cli

PAGE: Final = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
_SAID_ABOVE: Final = frozenset({"--help", "--output"})
_INTRODUCTION: Final = """\
# The command line

<!-- Written by scripts/cli_reference.py from the commands themselves: edit those. -->

Results go to stdout, everything else to stderr. Every command takes `--output json`, which makes
its result one JSON document; `logs` writes one event a line. On a terminal, work is drawn while it
goes on; in a pipe there are plain lines, and columns are parted by tabs. `NO_COLOR` is honoured.

The key and the server come from `PURAS_API_KEY` and `PURAS_API_BASE`, else from
`~/.puras/config.json`, which `puras login` writes.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    page = "\n".join(_page()) + "\n"
    if not parser.parse_args().check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == page:
        return 0
    print(f"{PAGE} is out of date: run python scripts/cli_reference.py", file=sys.stderr)
    return 1


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    yield from _code("Exit codes", failures.__doc__ or "")
    root = click.Context(cli, info_name="puras")
    for section, names in SECTIONS.items():
        yield f"## {section}\n"
        for name in names:
            command = cli.get_command(root, name)
            assert command is not None
            yield from _command(command, parent=root, name=name)
            if name == "run":
                yield from _code("Inputs", inputs.__doc__ or "", level=4)


def _command(command: click.Command, *, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    depth = len(context.command_path.split())
    yield f"{'#' * (depth + 1)} `{context.command_path}`\n"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    yield from _help(command)
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            below = command.get_command(context, child)
            assert below is not None
            yield from _command(below, parent=context, name=child)


def _help(command: click.Command) -> Iterator[str]:
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            title, *lines = paragraph.removeprefix("\b\n").splitlines()
            yield f"{title}\n\n```sh\n{textwrap.dedent(chr(10).join(lines))}\n```\n"
        else:
            yield f"{paragraph}\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [
        record
        for parameter in command.get_params(context)
        if not _SAID_ABOVE & set(parameter.opts) and (record := parameter.get_help_record(context))
    ]
    if records:
        yield "| option | |\n|---|---|"
        for names, text in records:
            yield f"| `{_cell(names)}` | {_cell(text)} |"
        yield ""


def _code(title: str, docstring: str, *, level: int = 2) -> Iterator[str]:
    """Show the indented block of a module's docstring."""
    block = [line[4:] for line in docstring.splitlines() if line.startswith("    ")]
    yield f"{'#' * level} {title}\n\n```text\n{chr(10).join(block)}\n```\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
