"""Answering for an agent: what it asks to do, yes, and no."""

from __future__ import annotations

from typing import Literal

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.wire import Approval


@click.command(cls=Command)
@click.argument("job_id", metavar="JOB")
def approvals(job_id: str) -> None:
    """List what a job, and the jobs below it, asked people to approve.

    \b
    Example:
      puras approvals 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """
    with connect() as api:
        found = api.list_approvals(job_id)
    output.show(
        found,
        lambda: output.table(
            ["ID", "STATUS", "TOOL", "INPUT", "REASON"],
            [_row(approval) for approval in found],
            empty="This job asked for no approval.",
        ),
    )


@click.command(cls=Command)
@click.argument("approval_id", metavar="ID")
@click.option("--reason", metavar="TEXT", help="What the agent is to know of it.")
def approve(approval_id: str, reason: str | None) -> None:
    """Let an agent use a tool, as it asked to. `puras approvals JOB` lists the ids.

    \b
    Example:
      puras approve 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --reason "checked with the customer"
    """
    _decide(approval_id, "approved", reason)


@click.command(cls=Command)
@click.argument("approval_id", metavar="ID")
@click.option("--reason", metavar="TEXT", help="What the agent is to do instead.")
def deny(approval_id: str, reason: str | None) -> None:
    """Keep an agent from using a tool as it asked to; it goes on without.

    \b
    Example:
      puras deny 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --reason "refund half of it"
    """
    _decide(approval_id, "denied", reason)


def _decide(approval_id: str, decision: Literal["approved", "denied"], reason: str | None) -> None:
    with connect() as api:
        kept = api.decide(approval_id, decision, reason=reason)
    output.show(
        kept, lambda: click.echo(f"{kept['tool_name']} is {kept['status']}; its job goes on.")
    )


def _row(approval: Approval) -> list[str | None]:
    return [
        approval["id"],
        approval["status"],
        approval["tool_name"],
        output.compact(approval["tool_input"]),
        approval["reason"],
    ]
