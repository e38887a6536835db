"""`puras types`: what skills take and give, as types of the language that calls them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.failures import FAILED, CommandFailed

if TYPE_CHECKING:
    from puras.bundle.types.skills import SkillTypes

_LANGUAGES: Final = {".ts": "ts", ".mts": "ts", ".cts": "ts", ".py": "py", ".pyi": "py"}


@click.command(cls=Command)
@click.argument("skills", nargs=-1, metavar="[SKILL|SKILLPACK|FOLDER]...")
@click.option(
    "--lang",
    type=click.Choice(["ts", "py"]),
    help="TypeScript or Python. Default: what FILE ends in.",
)
@click.option(
    "-o",
    "--file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file. Default: standard output.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if FILE is out of date.")
def types(skills: tuple[str, ...], lang: str | None, file: Path | None, check: bool) -> None:
    """Write the types of skills, so that a compiler checks what they are called with.

    A FOLDER begins with `.`, `/` or `~` and holds a bundle or one skill; by default it is the
    current one. Everything else is asked of the server: a whole SKILLPACK, or one SKILL. The
    paths in the file are those that you give here; call the skills by the same.

    \b
    Examples:
      puras types ./my-skills -o skills.ts
      puras types my-skills acme/ads/ad --lang py
      puras types my-skills -o skills.ts --check
    """
    if check and file is None:
        raise click.UsageError("--check compares with a file: name it with -o FILE")
    chosen = lang or (_LANGUAGES.get(file.suffix) if file else None)
    if chosen is None:
        raise click.UsageError("in which language? Say --lang ts or --lang py")
    wanted = skills or (".",)
    found = _types(wanted)
    text = _written(found, chosen, shlex.join(["puras", "types", *wanted, "--lang", chosen]))
    shown: dict[str, Any] = {"lang": chosen, "skills": [_shown(each) for each in found]}
    if file is None:
        output.show({**shown, "text": text}, lambda: click.echo(text, nl=False))
        return
    is_stale = _read(file) != text
    if is_stale and check:
        raise _stale(file, wanted, lang=lang)
    if is_stale:
        _write(file, text)
    done = f"Wrote {file}" if is_stale else f"{file} is up to date"
    count = "1 skill" if len(found) == 1 else f"{len(found)} skills"
    shown |= {"file": str(file), "changed": is_stale}
    output.show(shown, lambda: click.echo(f"{done}: {count}."))


def _types(references: Sequence[str]) -> list[SkillTypes]:
    from puras.bundle.schema import SchemaError
    from puras.bundle.types.skills import types_of_skills
    from puras.cli.signatures import read_signatures

    try:
        return types_of_skills(read_signatures(references))
    except SchemaError as error:
        raise CommandFailed(
            "a schema can't be read as types",
            code="invalid_bundle",
            faults=[dict(fault) for fault in error.faults],
        ) from error


def _written(skills: Sequence[SkillTypes], lang: str, command: str) -> str:
    from puras.bundle.types.python import python
    from puras.bundle.types.typescript import typescript

    return (typescript if lang == "ts" else python)(skills, command=command)


def _shown(skill: SkillTypes) -> dict[str, str]:
    return {
        "path": skill.path,
        "name": skill.name,
        "inputs": skill.inputs_name,
        "result": skill.result_name,
    }


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{file} can't be read: {error}") from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise CommandFailed(f"{file} can't be written: {error}") from error


def _stale(file: Path, references: Sequence[str], *, lang: str | None) -> CommandFailed:
    words = [*references, *(["--lang", lang] if lang else []), "-o", str(file)]
    return CommandFailed(
        f"{file} is out of date" if file.exists() else f"{file} is not there",
        exit_code=FAILED,
        code="stale",
        next_step=f"write it again: puras types {shlex.join(words)}",
    )
