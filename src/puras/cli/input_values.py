"""From inputs as they were written to the values a skill gets: files are read here, or uploaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from puras.cli import inputs, output
from puras.cli.schemas import input_schema
from puras.skill_path import SkillPath

if TYPE_CHECKING:
    from puras.cli.api import Api


def values_of(
    api: Api, wanted: Sequence[inputs.Given], *, path: SkillPath, version: int | None
) -> list[tuple[str, Any]]:
    """Return the values of inputs, as the skill expects them where it says so.

    Raises:
        click.FileError: a file that was named can't be read.
    """
    ask = any(given.depends_on_schema for given in wanted)
    schema = input_schema(api, path, version=version) if ask else {}

    def upload(file: str) -> str:
        output.note(f"Uploading {'standard input' if file == '-' else file}")
        source = sys.stdin.buffer if file == "-" else Path(file)
        try:
            return str(api.upload(source)["drive_path"])
        except OSError as error:
            raise click.FileError(file, hint=error.strerror) from None

    return [
        (given.name, inputs.value(given, schema, upload=upload, read_text=_read_text))
        for given in wanted
    ]


def text_of(argument: str) -> str:
    """Return an argument, or the text of the file that `@file` names, `@-` being standard input.

    Raises:
        click.FileError: the file can't be read.
    """
    return _read_text(argument[1:]) if argument.startswith("@") else argument


def _read_text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.FileError(file, hint=str(error)) from None
