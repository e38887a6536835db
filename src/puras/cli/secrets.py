"""A skillpack's secrets: set, list, delete. A value is read, never shown."""

from __future__ import annotations

import sys

import click

from puras.cli import output
from puras.cli.command import Group
from puras.cli.connection import connect
from puras.cli.options import skillpack_option
from puras.cli.project import skillpack_here


class _Secrets(Group):
    """Its list is `ls`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, "ls" if cmd_name == "list" else cmd_name)


@click.group(cls=_Secrets)
def secrets() -> None:
    """Set, list and delete what a skillpack's skills need to keep to themselves.

    A skill reads a secret with puras.secret(NAME), or as an environment variable.

    \b
    Examples:
      puras secrets set API_TOKEN --skillpack my-skills
      puras secrets set API_TOKEN < token.txt
      puras secrets ls
    """


@secrets.command("ls")
@skillpack_option
def list_secrets(skillpack: str | None) -> None:
    """List the names that are set; values are never shown."""
    with connect() as api:
        found = api.list_secrets(skillpack_here(skillpack))
    output.show(
        found,
        lambda: output.table(
            ["NAME", "SET"],
            [[secret["name"], output.moment(secret["updated_at"])] for secret in found],
            empty="No secrets. Set one: puras secrets set NAME",
        ),
    )


@secrets.command("set")
@click.argument("name")
@click.argument("value", required=False)
@skillpack_option
def set_secret(name: str, value: str | None, skillpack: str | None) -> None:
    """Set a secret, for runs that begin from now on.

    Without VALUE it is asked for, or read from standard input, less one newline at its end. A
    VALUE on the command line stays in the shell's history.

    \b
    Examples:
      puras secrets set API_TOKEN
      puras secrets set API_TOKEN < token.txt
    """
    reference = skillpack_here(skillpack)
    value = _asked_value(name) if value is None else value
    with connect() as api:
        kept = api.set_secret(reference, {"name": name, "value": value})
    output.show(kept, lambda: click.echo(f"Set {kept['name']}."))


@secrets.command("rm")
@click.argument("name")
@skillpack_option
def delete_secret(name: str, skillpack: str | None) -> None:
    """Delete a secret; runs that begin from now on do not have it.

    \b
    Example:
      puras secrets rm API_TOKEN --skillpack my-skills
    """
    reference = skillpack_here(skillpack)
    with connect() as api:
        api.delete_secret(reference, name)
    output.show({"deleted": name}, lambda: click.echo(f"Deleted {name}."))


def _asked_value(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, err=True))
    try:
        text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise click.UsageError("the value on standard input is no UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")
