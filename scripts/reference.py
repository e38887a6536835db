"""Refills what the documentation says of the code, from the code; `--check` tells if it is stale.

Pages are written by hand, all but two kinds of places in them:

    <!-- generated: error codes -->      a block that `BLOCKS` below makes
    <!-- end -->

    <!-- puras.wire:MAX_LOG_EVENTS -->10,000<!-- . -->      the value of a constant

Edit the code, then run this; edit the pages around those places freely.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import click

import puras
from puras import drive, errors, media, subagent, wire
from puras.bundle.manifest import PACK_KEYS
from puras.bundle.skill_keys import KEYS, Check
from puras.cli import failures, inputs
from puras.cli.main import SECTIONS, cli
from puras.server.settings import Settings
from puras.server.workspaces.reserved import RESERVED_SLUGS

ROOT: Final = Path(__file__).parent.parent
_BLOCK: Final = re.compile(r"(<!-- generated: ([\w.\- ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_VALUE: Final = re.compile(r"(<!-- (puras[\w.]*):(\w+) -->).*?(<!-- \. -->)", re.DOTALL)
_DRIVE: Final = ("read", "write", "list", "sign", "url")
_MEDIA: Final = ("generate_image", "generate_video", "generate_audio", "transcribe")
_SAID_ABOVE: Final = frozenset({"--help", "--output"})
_WIDTH: Final = 80


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if a page is out of date")
    check = parser.parse_args(arguments).check
    stale = [page for page in pages() if _refill(page, write=not check)]
    if check and stale:
        names = ", ".join(str(page.relative_to(ROOT)) for page in stale)
        print(f"{names} is out of date: run python scripts/reference.py", file=sys.stderr)
    return 1 if check and stale else 0


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def _refill(page: Path, *, write: bool) -> bool:
    """Tell whether a page was out of date. Exits where it names what the code does not have."""
    before = page.read_text("utf-8")
    try:
        after = refilled(before)
    except (ImportError, AttributeError, KeyError) as error:
        sys.exit(f"{page.relative_to(ROOT)} names what is not there: {error}")
    if write and after != before:
        page.write_text(after, "utf-8")
    return after != before


def refilled(text: str) -> str:
    """Return the text with its generated places as they are now.

    Raises:
        ImportError, AttributeError, KeyError: a place names what the code does not have.
    """
    text = _BLOCK.sub(lambda found: f"{found[1]}\n{_block(found[2])}\n\n{found[3]}", text)
    return _VALUE.sub(lambda found: f"{found[1]}{_value(found[2], found[3])}{found[4]}", text)


def _block(name: str) -> str:
    return "\n".join(BLOCKS[name]()).strip()


def _value(module: str, name: str) -> str:
    value = getattr(importlib.import_module(module), name)
    if name.endswith("_BYTES"):
        return _bytes(value)
    return f"{value:,g} s" if name.endswith("_SECONDS") else f"{value:,}"


def _bytes(value: int) -> str:
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if value % (1 << power) == 0:
            return f"{value >> power} {unit}"
    return f"{value:,} bytes"


# The command line


def _commands() -> Iterator[str]:
    root = click.Context(cli, info_name="puras")
    for section, names in SECTIONS.items():
        yield f"## {section}\n"
        for name in names:
            command = cli.get_command(root, name)
            assert command is not None
            yield from _command(command, parent=root, name=name)
            if name == "run":
                yield "#### Inputs\n"
                yield from _drawing(inputs.__doc__)
                yield ""


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
        if isinstance(parameter, click.Option)
        if not _SAID_ABOVE & set(parameter.opts) and (record := parameter.get_help_record(context))
    ]
    if records:
        yield from _table("option", "", rows=((f"`{names}`", text) for names, text in records))
        yield ""


# Errors


def _error_codes() -> Iterator[str]:
    def row(code: str) -> tuple[str, ...]:
        status, meaning = errors.CODES[code]
        kind = errors.api_error_class(status).__name__
        return (f"`{code}`", str(status), f"`{kind}`", meaning)

    yield from _table("code", "status", "class", "meaning", rows=map(row, errors.CODES))


# Settings, and the files of a bundle


def _settings() -> Iterator[str]:
    known = {field.name for field in fields(Settings)}
    lines = [re.split(r"\s{2,}", line.strip()) for line in (Settings.__doc__ or "").splitlines()]
    rows = (
        (f"`{source.partition(', ')[0]}`", source.partition(", ")[2], meaning)
        for name, source, meaning in (line for line in lines if line[0] in known)
    )
    yield from _table("setting", "default", "meaning", rows=rows)


def _reserved_slugs() -> Iterator[str]:
    names = ", ".join(f"`{slug}`" for slug in sorted(RESERVED_SLUGS))
    yield textwrap.fill(names, 100, break_on_hyphens=False)


def _skill_keys() -> Iterator[str]:
    rows = (
        (f"`{name}`", f"{key.only} skills" if key.only else "every skill", _holds(key.check))
        for name, key in KEYS.items()
    )
    yield from _table("key", "for", "holds", rows=rows)


def _pack_keys() -> Iterator[str]:
    rows = ((f"`{name}`", _holds(check)) for name, check in PACK_KEYS.items())
    yield from _table("key", "holds", rows=rows)


def _holds(check: Check) -> str:
    """Say what a key holds in the words in which anything else is refused."""
    refusal = check(object())
    return "described below" if refusal is None else refusal.removeprefix("write ")


# The Python SDK


def _client() -> Iterator[str]:
    yield from _prose(puras.Puras.__doc__)
    yield from _signature("Puras", puras.Puras.__init__)
    for name, method in vars(puras.Puras).items():
        if not name.startswith("_"):
            yield f"### `{name}`\n"
            yield from _described(name, method)


def _in_skill() -> Iterator[str]:
    names = ("log", "progress", "step", "secret", "load_bytes", "load_path")
    verbs = {f"puras.{name}": getattr(puras, name) for name in names}
    verbs |= {f"puras.drive.{name}": getattr(drive, name) for name in _DRIVE}
    verbs |= {f"puras.media.{name}": getattr(media, name) for name in _MEDIA}
    for name, verb in (verbs | {"puras.subagent.run": subagent.run}).items():
        yield f"### `{name}`\n"
        yield from _described(name, verb)
    yield "### `puras.job`\n"
    yield from _prose(type(puras.job).__doc__)
    for name, value in vars(type(puras.job)).items():
        if isinstance(value, property):
            doc = inspect.getdoc(value)
            yield f"- `puras.job.{name}`" + (f": {doc}" if doc else "")


def _job_fields() -> Iterator[str]:
    hints = wire.Job.__annotations__
    rows = ((f"`{name}`", f"`{_written(kind)}`") for name, kind in hints.items())
    yield from _table("field", "type", rows=rows)


def _described(name: str, function: Callable[..., Any]) -> Iterator[str]:
    yield from _signature(name, function)
    yield from _prose(function.__doc__)


def _signature(name: str, function: Callable[..., Any]) -> Iterator[str]:
    signature = inspect.signature(function)
    parts: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        if parameter.name != "self":
            parts.append(str(parameter.replace(annotation=_Bare(parameter.annotation))))
    made = "" if name[0].isupper() else f" -> {_written(signature.return_annotation)}"
    line = f"{name}({', '.join(parts)}){made}"
    if len(line) > _WIDTH:
        line = "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){made}"])
    yield f"```text\n{line}\n```\n"


class _Bare:
    """An annotation that is shown as its author wrote it, without quotes."""

    def __init__(self, annotation: object) -> None:
        self._text = _written(annotation)

    def __repr__(self) -> str:
        return self._text


def _written(annotation: object) -> str:
    text = str(getattr(annotation, "__forward_arg__", annotation))
    return text.replace("_files.", "").replace("_Files", "list[dict[str, Any]]")


def _prose(docstring: str | None) -> Iterator[str]:
    """Turn a docstring into Markdown: what is raised becomes a list."""
    text, _, raised = inspect.cleandoc(docstring or "").partition("Raises:\n")
    yield text.strip() + "\n"
    faults = re.split(r"\n(?=\w)", textwrap.dedent(raised).strip()) if raised else []
    for fault in faults:
        names, _, when = " ".join(fault.split()).partition(": ")
        yield f"- raises `{names}`: {when}"
    if faults:
        yield ""


# Markdown


def _drawing(docstring: str | None) -> Iterator[str]:
    """Show the indented block of a module's docstring."""
    lines = (docstring or "").splitlines()
    drawn = "\n".join(line[4:] for line in lines if line.startswith("    "))
    yield f"```text\n{drawn}\n```"


def _table(*head: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


BLOCKS: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "exit codes": lambda: _drawing(failures.__doc__),
    "commands": _commands,
    "error tree": lambda: _drawing(errors.__doc__),
    "error codes": _error_codes,
    "settings": _settings,
    "reserved slugs": _reserved_slugs,
    "skill.yaml keys": _skill_keys,
    "puras.yaml keys": _pack_keys,
    "client": _client,
    "in a skill": _in_skill,
    "job": _job_fields,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
