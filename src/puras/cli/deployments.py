"""A skillpack's versions: list them, choose the active one, delete old ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from puras.cli import output
from puras.cli.command import Command, Group
from puras.cli.connection import connect
from puras.cli.failures import NOT_FOUND, CommandFailed
from puras.cli.options import skillpack_option
from puras.cli.project import skillpack_here
from puras.wire import Deployment


@click.group(cls=Group)
def deployments() -> None:
    """List and delete a skillpack's versions.

    \b
    Examples:
      puras deployments --skillpack my-skills
      puras deployments delete 3
    """


@deployments.command("list")
@skillpack_option
def list_deployments(skillpack: str | None) -> None:
    """List the versions, newest first."""
    with connect() as api:
        found = api.list_deployments(skillpack_here(skillpack))
    output.show(
        found,
        lambda: output.table(
            ["VERSION", "ACTIVE", "SKILLS", "SIZE", "CREATED", "NOTES", "ID"],
            [_row(deployment) for deployment in found],
            empty="Nothing is deployed yet. Deploy: puras deploy FOLDER",
        ),
    )


@deployments.command()
@click.argument("version", metavar="VERSION|ID")
@skillpack_option
def delete(version: str, skillpack: str | None) -> None:
    """Delete a version's files. The active one, and one with jobs at work, can't be deleted.

    \b
    Example:
      puras deployments delete 3 --skillpack my-skills
    """
    reference = skillpack_here(skillpack)
    with connect() as api:
        chosen = _choose(api.list_deployments(reference), version)
        api.delete_deployment(reference, chosen["id"])
    text = f"Deleted version {chosen['version']}."
    output.show({"deleted": chosen["id"]}, lambda: click.echo(text))


@click.command(cls=Command)
@click.argument("version", metavar="[VERSION|ID]", required=False)
@click.option("--rollback", is_flag=True, help="The newest version before the active one.")
@skillpack_option
def activate(version: str | None, rollback: bool, skillpack: str | None) -> None:
    """Choose the version that new jobs use. Jobs that run or wait keep theirs.

    \b
    Examples:
      puras activate 3
      puras activate --rollback --skillpack my-skills
    """
    if (version is None) != rollback:
        raise click.UsageError("give either a version or --rollback")
    reference = skillpack_here(skillpack)
    with connect() as api:
        found = api.list_deployments(reference)
        chosen = _before_active(found) if version is None else _choose(found, version)
        active = api.activate(reference, chosen["id"])
    text = f"Version {active['version']} is active."
    output.show(active, lambda: click.echo(text))


def _choose(found: Sequence[Deployment], wanted: str) -> Deployment:
    number = wanted.removeprefix("v")
    for deployment in found:
        if wanted == deployment["id"] or number == str(deployment["version"]):
            return deployment
    versions = ", ".join(str(deployment["version"]) for deployment in found[:10]) or "none"
    raise CommandFailed(
        f"there is no version {wanted}; there are: {versions}",
        exit_code=NOT_FOUND,
        code="version_not_found",
        next_step="list them: puras deployments",
    )


def _before_active(found: Sequence[Deployment]) -> Deployment:
    active = max((each["version"] for each in found if each["is_active"]), default=0)
    earlier = [each for each in found if each["version"] < active]
    if not earlier:
        raise CommandFailed(
            "there is no version before the active one",
            exit_code=NOT_FOUND,
            next_step="choose one: puras deployments",
        )
    return max(earlier, key=lambda each: each["version"])


def _row(deployment: Deployment) -> list[Any]:
    skills = deployment["manifest"]["skills"]
    return [
        deployment["version"],
        deployment["is_active"],
        [skill["name"] for skill in skills],
        output.size(deployment["size_bytes"]),
        output.moment(deployment["created_at"]),
        deployment["notes"],
        deployment["id"],
    ]
