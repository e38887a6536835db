"""`puras replay`: run a job once more, with the same inputs."""

from __future__ import annotations

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.cli.failures import raise_unless_succeeded
from puras.cli.run import show_result, tell_submitted, watch_run


@click.command(cls=Command)
@click.argument("job_id", metavar="JOB")
@click.option("--version", type=click.IntRange(1), help="On this version, not the job's own.")
@click.option("--async", "detached", is_flag=True, help="Submit, print the job's id, do not wait.")
@click.option(
    "--timeout",
    type=float,
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="Wait no longer; the job goes on.",
)
def replay(job_id: str, version: int | None, detached: bool, timeout: float) -> None:
    """Run a job once more, with the same inputs, and print the result.

    \b
    Examples:
      puras replay 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
      puras replay 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --version 4 --async
    """
    with connect() as api:
        job = api.replay(job_id, version=version)
        if detached:
            tell_submitted(job)
            return
        job = watch_run(api, job["id"], title=job["skill_name"], timeout=timeout)
    output.show(job, lambda: show_result(job))
    raise_unless_succeeded(job)
