"""`puras run`: submit a job, show it while it runs, and write its result to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from puras import skill_path
from puras.cli import inputs, live, output
from puras.cli.command import Command
from puras.cli.connection import connect, connect_to
from puras.cli.failures import raise_unless_succeeded
from puras.cli.input_values import text_of, values_of
from puras.cli.local import SKILLPACK, local_server
from puras.cli.options import skillpack_option
from puras.cli.project import read_project
from puras.cli.watching import watch
from puras.skill_path import SkillPath

if TYPE_CHECKING:
    from puras.cli.api import Api
    from puras.client._models import Job

_INLINE: Final = "@inline"
"""What the server calls an agent that is no skill."""


@click.command(cls=Command)
@click.argument("skill", required=False)
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
@click.option(
    "-p",
    "--prompt",
    metavar="TEXT",
    help="The input `prompt`. Without SKILL: what a one-off agent is to do.",
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
@click.option(
    "--model", metavar="SLUG", help="With --local: the model of agentic skills that name none."
)
def run(
    skill: str | None,
    given: tuple[str, ...],
    json_inputs: str | None,
    prompt: str | None,
    skillpack: str | None,
    version: int | None,
    detached: bool,
    timeout: float,
    local: bool,
    folder: Path,
    model: str | None,
) -> None:
    """Run a skill and print its result.

    SKILL is `skill`, `skillpack/skill` or `workspace/skillpack/skill`; a bare `skill` is that of
    the skillpack which puras.yaml here names. Without SKILL, --prompt runs an agent for once; it
    may run the skills of --skillpack, or with --local those of the bundle.

    The result goes to stdout as JSON, everything else to stderr. With --output json, stdout gets
    the whole job. Ctrl-C stops watching; the job goes on.

    \b
    Examples:
      puras run my-skills/hello -i name=Ada
      puras run image-tools/thumbnail -i image=@photo.jpg -i width=320
      puras run my-skills/report --json @inputs.json --async
      puras run hello -i name=Ada --local --dir my-skills
      puras run -p "Summarise this report" -i report=@report.pdf
    """
    if local and (detached or version or skillpack):
        raise click.UsageError("--local goes with neither --async, --version nor --skillpack")
    if model and not local:
        raise click.UsageError("--model needs --local: what is deployed names its own model")
    if skill is None:
        _check_prompt(prompt, skillpack=skillpack, version=version)
    wanted = [inputs.parse(argument) for argument in given]
    if skill is not None and prompt is not None:
        wanted.append(inputs.Given("prompt", prompt, "text"))
    base = inputs.parse_object(text_of(json_inputs)) if json_inputs else {}
    bundle = folder if local else None
    with _opened(skill, skillpack, bundle=bundle, model=model) as (api, path):
        values = inputs.merge(base, values_of(api, wanted, path=path, version=version))
        if skill is None:
            job = api.submit_prompt(prompt or "", values, skillpack=path.skillpack, version=version)
        else:
            job = api.submit(path.skill, values, version=version)
        if detached:
            tell_submitted(job)
            return
        job = watch_run(api, job["id"], title=path.skill, timeout=timeout, goes_on=not local)
    output.show(job, lambda: show_result(job))
    if local and job.get("outputs"):
        output.note("The files it made went with the local server; deploy the bundle to keep them.")
    raise_unless_succeeded(job, next_step=_next_step(job) if local else None)


def _next_step(job: Mapping[str, Any]) -> str:
    """Return what to do after a local run that failed; its log went with its server."""
    if job.get("error_code") == "model_error":
        return "give a key: puras login --llm-api-key KEY, or try it without: --model local/draft"
    return "mend it and run it again; what it said is above"


def _check_prompt(prompt: str | None, *, skillpack: str | None, version: int | None) -> None:
    if not prompt:
        raise click.UsageError("name a SKILL, or say what an agent is to do: --prompt TEXT")
    if version and not skillpack:
        raise click.UsageError("--version needs a SKILL, or --skillpack to run the prompt beside")


@contextmanager
def _opened(
    skill: str | None, skillpack: str | None, *, bundle: Path | None, model: str | None
) -> Iterator[tuple[Api, SkillPath]]:
    """Connect to where the skill is: the login's server, or one for the local bundle."""
    if bundle is None:
        path = SkillPath(skillpack, _INLINE) if skill is None else _path(skill, skillpack)
        with connect(path.skillpack) as api:
            yield api, path
    else:
        name = _INLINE if skill is None else skill_path.parse(skill).skill
        path = SkillPath(SKILLPACK, name)
        with (
            local_server(bundle, model=model) as server,
            connect_to(server.login, SKILLPACK) as api,
        ):
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
