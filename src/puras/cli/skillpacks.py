"""The workspace's skillpacks."""

from __future__ import annotations

from typing import Any

import click

from puras.cli import output
from puras.cli.command import Group
from puras.cli.connection import connect
from puras.wire import Skillpack, SkillpackCreate, SkillpackPatch


@click.group(cls=Group)
def skillpacks() -> None:
    """List, create, show, change and delete skillpacks.

    \b
    Examples:
      puras skillpacks
      puras skillpacks create my-skills --public
      puras skillpacks update my-skills --private
    """


@skillpacks.command("list")
def list_skillpacks() -> None:
    """List the workspace's skillpacks."""
    with connect() as api:
        packs = api.list_skillpacks()
    rows = [_row(pack) for pack in packs]
    output.show(
        packs,
        lambda: output.table(
            ["SLUG", "NAME", "ACTIVE", "PUBLIC", "CREATED"],
            rows,
            empty="No skillpacks yet. Make one: puras deploy FOLDER",
        ),
    )


@skillpacks.command()
@click.argument("slug")
@click.option("--name", help="A name for people. Default: the slug.")
@click.option("--description", help="What it is for.")
@click.option("--public/--private", default=False, help="Whether other workspaces may run it.")
def create(slug: str, name: str | None, description: str | None, public: bool) -> None:
    """Create an empty skillpack.

    \b
    Example:
      puras skillpacks create my-skills --name "My skills"
    """
    body: SkillpackCreate = {"name": name or slug, "slug": slug, "public": public}
    if description is not None:
        body["description"] = description
    with connect() as api:
        _show(api.create_skillpack(body))


@skillpacks.command()
@click.argument("skillpack")
def show(skillpack: str) -> None:
    """Show one skillpack, by slug or id.

    \b
    Example:
      puras skillpacks show my-skills
    """
    with connect() as api:
        _show(api.skillpack(skillpack))


@skillpacks.command()
@click.argument("skillpack")
@click.option("--slug", help="A new slug; callers must use it from now on.")
@click.option("--name", help="A new name.")
@click.option("--description", help="A new description; empty removes it.")
@click.option("--public/--private", default=None, help="Whether other workspaces may run it.")
def update(
    skillpack: str,
    slug: str | None,
    name: str | None,
    description: str | None,
    public: bool | None,
) -> None:
    """Change a skillpack.

    \b
    Example:
      puras skillpacks update my-skills --public
    """
    changes: SkillpackPatch = {}
    if slug is not None:
        changes["slug"] = slug
    if name is not None:
        changes["name"] = name
    if description is not None:
        changes["description"] = description or None
    if public is not None:
        changes["public"] = public
    if not changes:
        raise click.UsageError("nothing to change: give --slug, --name, --description or --public")
    with connect() as api:
        _show(api.update_skillpack(skillpack, changes))


@skillpacks.command()
@click.argument("skillpack")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def delete(skillpack: str, yes: bool) -> None:
    """Delete a skillpack with its deployments; its jobs stay readable.

    \b
    Example:
      puras skillpacks delete old-skills --yes
    """
    if not yes:
        click.confirm(f"Delete {skillpack} and all its deployments?", abort=True, err=True)
    with connect() as api:
        api.delete_skillpack(skillpack)
    output.show({"deleted": skillpack}, lambda: click.echo(f"Deleted {skillpack}."))


def _row(pack: Skillpack) -> list[Any]:
    return [
        pack["slug"],
        pack["name"],
        pack["active_deployment_id"] is not None,
        pack["public"],
        output.moment(pack["created_at"]),
    ]


def _show(pack: Skillpack) -> None:
    output.show(
        pack,
        lambda: output.fields(
            {
                "slug": pack["slug"],
                "id": pack["id"],
                "name": pack["name"],
                "description": pack["description"],
                "active deployment": pack["active_deployment_id"],
                "public": pack["public"],
                "created": output.moment(pack["created_at"]),
            }
        ),
    )
