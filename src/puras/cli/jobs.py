"""Jobs: list them, read what they say, cancel and rate them."""

from __future__ import annotations

import sys
from typing import Any

import click

from puras.cli import live, output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.cli.failures import raise_unless_succeeded
from puras.cli.watching import watch
from puras.wire import TERMINAL_STATUSES, Job


@click.command(cls=Command)
@click.argument("job_id", metavar="[ID]", required=False)
@click.option("--status", type=click.Choice(["queued", "running", *sorted(TERMINAL_STATUSES)]))
@click.option("--skillpack", "--app", "skillpack", metavar="REF", help="Of this skillpack only.")
@click.option("--skill", metavar="NAME", help="Of this skill only.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--before", metavar="ID", help="Only older ones than this job.")
def jobs(
    job_id: str | None,
    status: str | None,
    skillpack: str | None,
    skill: str | None,
    limit: int,
    before: str | None,
) -> None:
    """List jobs, newest first, or show the one with ID.

    \b
    Examples:
      puras jobs --status failed --limit 5
      puras jobs 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """
    if job_id is not None:
        _show_one(job_id)
        return
    query = {"status": status, "skillpack": skillpack, "skill": skill, "before": before}
    with connect() as api:
        found = api.list_jobs(query, limit=limit)
    output.show(
        found,
        lambda: output.table(
            ["ID", "STATUS", "SKILL", "VERSION", "CREATED", "COST"],
            [_row(job) for job in found],
            empty="No jobs. Run a skill: puras run SKILLPACK/SKILL",
        ),
    )


@click.command(cls=Command)
@click.argument("job_id", metavar="JOB")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop following after this long.")
@click.option(
    "--interval",
    type=float,
    default=1.5,
    show_default=True,
    metavar="SECONDS",
    help="How often to ask, where events can't stream.",
)
def logs(job_id: str, timeout: float | None, interval: float) -> None:
    """Follow what a job says until it is over.

    With --output json, each event is one line. The exit code is 0 if the job succeeded, 1 if it
    failed, was cancelled, or goes on after --timeout.

    \b
    Examples:
      puras logs 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
      puras logs 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --timeout 60 --output json
    """
    with connect() as api:
        job = watch(
            api,
            job_id,
            title=f"job {job_id}",
            stream=sys.stdout,
            json=live.JSONLines,
            timeout=timeout,
            interval=interval,
        )
    raise_unless_succeeded(job)


@click.command(cls=Command)
@click.argument("job_id", metavar="JOB")
def cancel(job_id: str) -> None:
    """Cancel a job. One that is over already stays as it is.

    \b
    Example:
      puras cancel 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """
    with connect() as api:
        job = api.cancel(job_id)
    over = "" if job["status"] == "cancelled" else " already"
    output.show(job, lambda: click.echo(f"Job {job_id} is{over} {job['status']}."))


@click.command(cls=Command)
@click.argument("job_id", metavar="JOB")
@click.option(
    "--rating",
    type=click.Choice(["-1", "0", "1"]),
    default="0",
    show_default=True,
    help="Bad, neither, good; 0 needs a comment.",
)
@click.option("--comment", help="What was good, or bad.")
@click.option("--end-user-id", metavar="ID", help="Whose opinion it is, in your own words.")
def feedback(job_id: str, rating: str, comment: str | None, end_user_id: str | None) -> None:
    """Rate a job's result. Saying it again changes what was said.

    \b
    Example:
      puras feedback 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --rating 1 --comment "spot on"
    """
    if rating == "0" and not comment:
        raise click.UsageError("a rating of 0 needs a --comment")
    with connect() as api:
        kept = api.feedback(job_id, rating=int(rating), comment=comment, end_user_id=end_user_id)
    output.show(kept, lambda: click.echo(f"Thank you: {rating} for job {job_id}."))


def _show_one(job_id: str) -> None:
    with connect() as api:
        job = api.get(job_id)
    output.show(job, lambda: output.fields(_described(job)))


def _described(job: Any) -> dict[str, Any]:
    return {
        "id": job["id"],
        "status": job["status"],
        "skill": f"{job['skillpack']}/{job['skill_name']}",
        "version": job["version"],
        "created": output.moment(job["created_at"]),
        "started": output.moment(job["started_at"]),
        "finished": output.moment(job["finished_at"]),
        "attempt": job["attempt"],
        "cost": output.usd(job["cost_micros"]),
        "error": job["error"],
        "result": None if job["result"] is None else output.compact(job["result"]),
    }


def _row(job: Job) -> list[Any]:
    return [
        job["id"],
        job["status"],
        f"{job['skillpack']}/{job['skill_name']}",
        job["version"],
        output.moment(job["created_at"]),
        output.usd(job["cost_micros"]),
    ]
