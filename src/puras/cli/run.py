"""`puras run`: submit a job, show it while it runs, and write its result to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from puras import skill_path
from puras.cli import inputs, live, output
from puras.cli.command import Command
from puras.cli.connection import connect, connect_to
from puras.cli.failures import raise_unless_succeeded
from puras.cli.local import SKILLPACK, local_server
from puras.cli.options import skillpack_option
from puras.cli.project import read_project
from puras.cli.schemas import input_schema
from puras.cli.watching import watch
from puras.skill_path import SkillPath

if TYPE_CHECKING:
    from puras.cli.api import Api
    from puras.client._models import Job


@click.command(cls=Command)
@click.argument("skill")
@click.option(
    "-i",
    "--input",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input; repeatable. name=@file uploads, name:=JSON is JSON.",
)
@click.option(
    "--json", "json_inputs", metavar="JSON", help="All inputs at once; @file and @- are read."
)
@skillpack_option
@click.option("--version", type=click.IntRange(1), help="Of this version, not the active one.")
@click.option("--async", "detached", is_flag=True, help="Submit, print the job's id, do not wait.")
@click.option(
    "--timeout",
    type=float,
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Wait no longer; the job goes on.",
)
@click.option("--local", is_flag=True, help="Run it here, on a server for this one run.")
@click.option(
    "--dir",
    "folder",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --local: the bundle. Default: this folder.",
)
def run(
    skill: str,
    given: tuple[str, ...],
    json_inputs: str | None,
    skillpack: str | None,
    version: int | None,
    detached: bool,
    timeout: float,
    local: bool,
    folder: Path,
) -> None:
    """Run a skill and print its result.

    SKILL is `skill`, `skillpack/skill` or `workspace/skillpack/skill`; a bare `skill` is that of
    the skillpack which puras.yaml here names.

    The result goes to stdout as JSON, everything else to stderr. With --output json, stdout gets
    the whole job. Ctrl-C stops watching; the job goes on.

    \b
    Examples:
      puras run my-skills/hello -i name=Ada
      puras run image-tools/thumbnail -i image=@photo.jpg -i width=320
      puras run my-skills/report --json @inputs.json --async
      puras run hello -i name=Ada --local --dir my-skills
    """
    if local and (detached or version or skillpack):
        raise click.UsageError("--local goes with neither --async, --version nor --skillpack")
    wanted = [inputs.parse(argument) for argument in given]
    base = inputs.parse_object(_text_of(json_inputs)) if json_inputs else {}
    with _opened(skill, skillpack, bundle=folder if local else None) as (api, path):
        values = _values(api, wanted, path=path, version=version)
        job = api.submit(path.skill, inputs.merge(base, values), version=version)
        if detached:
            tell_submitted(job)
            return
        job = watch_run(api, job["id"], title=path.skill, timeout=timeout, goes_on=not local)
    output.show(job, lambda: show_result(job))
    if local and job.get("outputs"):
        output.note("The files it made went with the local server; deploy the bundle to keep them.")
    raise_unless_succeeded(job)


@contextmanager
def _opened(
    skill: str, skillpack: str | None, *, bundle: Path | None
) -> Iterator[tuple[Api, SkillPath]]:
    """Connect to where the skill is: the login's server, or one for the local bundle."""
    if bundle is None:
        path = _path(skill, skillpack)
        with connect(path.skillpack) as api:
            yield api, path
    else:
        path = SkillPath(SKILLPACK, skill_path.parse(skill).skill)
        with local_server(bundle) as login, connect_to(login, SKILLPACK) as api:
            yield api, path


def watch_run(api: Api, job_id: str, *, title: str, timeout: float, goes_on: bool = True) -> Job:
    """Show a job on stderr until it is over, and return it; `goes_on` as `watch` has it."""
    output.note(f"Job {job_id}")
    return watch(
        api,
        job_id,
        title=title,
        stream=sys.stderr,
        json=live.Silent,
        timeout=timeout,
        goes_on=goes_on,
    )


def _path(skill: str, skillpack: str | None) -> SkillPath:
    path = skill_path.parse(skill, skillpack or read_project(Path.cwd()).reference)
    if path.skillpack is None:
        raise click.UsageError(
            f"which skillpack? Write SKILLPACK/{path.skill}, or go to the bundle's folder"
        )
    return path


def show_result(job: Mapping[str, Any]) -> None:
    """Write a job's result to stdout, and what it cost to stderr."""
    if job["status"] == "succeeded":
        output.document(job["result"] or {})
    if job.get("cost_micros"):
        output.note(f"Cost {output.usd(job['cost_micros'])}")


def tell_submitted(job: Mapping[str, Any]) -> None:
    """Write the id of a job that nobody waits for."""
    output.show(job, lambda: click.echo(job["id"]))
    output.note(f"Follow it: puras logs {job['id']}")


def _values(
    api: Api, wanted: Sequence[inputs.Given], *, path: SkillPath, version: int | None
) -> list[tuple[str, Any]]:
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


def _text_of(argument: str) -> str:
    return _read_text(argument[1:]) if argument.startswith("@") else argument


def _read_text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.FileError(file, hint=str(error)) from None
