"""`puras admin`: what an operator does on the server's own machine, without a key.

It works on the data folder itself, also while a server runs on it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from puras.cli import admin_upkeep, output
from puras.cli.admin_data import data_option, on_data
from puras.cli.command import Group, NearNames
from puras.cli.failures import CommandFailed
from puras.cli.server_extra import need_server

if TYPE_CHECKING:
    from puras.server.workspaces.store import Workspace


@click.group(cls=NearNames)
def admin() -> None:
    """Operate the server on this machine: workspaces, credits, keys, sign-in links, health.

    \b
    Examples:
      puras admin doctor
      puras admin workspace create acme
      puras admin credits add acme 50
      puras admin key create acme --name ci
    """
    need_server()


for _command in (admin_upkeep.migrate, admin_upkeep.backup, admin_upkeep.restore):
    admin.add_command(_command)


@admin.group(cls=Group)
def workspace() -> None:
    """Create, list and limit workspaces."""


@workspace.command("list")
@data_option
def list_workspaces(data: Path | None) -> None:
    """List the workspaces and what they have left."""
    from puras.server import admin as server

    found = on_data(data, server.list_workspaces)
    output.show(
        [_document(each) for each in found],
        lambda: output.table(
            ["SLUG", "NAME", "BALANCE", "AT ONCE", "ID"],
            [
                [each.slug, each.name, output.usd(each.balance_micros), each.concurrency, each.id]
                for each in found
            ],
            empty="No workspaces.",
        ),
    )


@workspace.command("create")
@click.argument("slug")
@click.option("--name", help="A name for people. Default: the slug.")
@data_option
def create_workspace(slug: str, name: str | None, data: Path | None) -> None:
    """Create a workspace with the starting credits; then make a key for it.

    \b
    Example:
      puras admin workspace create acme && puras admin key create acme
    """
    from puras.server import admin as server

    made = on_data(data, lambda settings: server.create_workspace(settings, slug=slug, name=name))
    text = f"Created workspace {made.slug} with {output.usd(made.balance_micros)}."
    output.show(_document(made), lambda: click.echo(text))


@workspace.command("limit")
@click.argument("slug")
@click.option("--concurrency", type=int, metavar="N", help="Most runs at once.")
@click.option("--default", "lift", is_flag=True, help="As PURAS_WORKSPACE_CONCURRENCY says.")
@data_option
def limit_workspace(slug: str, concurrency: int | None, lift: bool, data: Path | None) -> None:
    """Set how many runs a workspace may have at once; running servers keep to it from then on.

    \b
    Example:
      puras admin workspace limit acme --concurrency 4
    """
    from puras.server import admin as server

    if lift == (concurrency is not None):
        raise click.UsageError("write either --concurrency N or --default")
    made = on_data(
        data,
        lambda settings: server.limit_workspace(settings, workspace=slug, concurrency=concurrency),
    )
    most = "as many runs at once as any other" if lift else f"at most {concurrency} at once"
    output.show(_document(made), lambda: click.echo(f"{made.slug} runs {most} now."))


@admin.group(cls=NearNames)
def credits() -> None:
    """Add to a workspace's wallet."""


@credits.command("add")
@click.argument("workspace")
@click.argument("usd", type=float)
@click.option("--note", help="Why; it stands in the ledger.")
@data_option
def add_credits(workspace: str, usd: float, note: str | None, data: Path | None) -> None:
    """Add USD to the wallet of WORKSPACE.

    \b
    Example:
      puras admin credits add acme 50 --note "invoice 17"
    """
    from puras.server import admin as server

    balance = on_data(
        data,
        lambda settings: server.add_credits(settings, workspace=workspace, usd=usd, note=note),
    )
    text = f"{workspace} has {output.usd(balance)} now."
    output.show({"workspace": workspace, "balance_micros": balance}, lambda: click.echo(text))


@admin.group(cls=NearNames)
def key() -> None:
    """Make keys for any workspace."""


@key.command("create")
@click.argument("workspace")
@click.option("--name", default="admin", show_default=True, help="What the key is for.")
@data_option
def create_key(workspace: str, name: str, data: Path | None) -> None:
    """Make an unlimited secret key of WORKSPACE. It is shown once: stdout gets the key alone.

    \b
    Example:
      puras admin key create acme --name ci > acme.key
    """
    from puras.server import admin as server

    made = on_data(
        data, lambda settings: server.create_key(settings, workspace=workspace, name=name)
    )
    output.note(f"A secret key of {workspace}. It is shown this once; keep it safe:")
    output.show({"workspace": workspace, "key": made}, lambda: click.echo(made))


@admin.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the server listens.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(1, 65535))
def link(data: Path | None, host: str, port: int) -> None:
    """Make a link that signs a browser in with the server's first key, or PURAS_BOOTSTRAP_KEY.

    It works once, within 15 minutes. It leads to PURAS_PUBLIC_URL where that is set, else to --host
    and --port. stdout gets the link alone.

    \b
    Example:
      puras admin link
    """
    from puras.server import admin as server

    made = on_data(data, server.make_link, host=host, port=port)
    output.show({"link": made}, lambda: click.echo(made))


@admin.group(cls=NearNames)
def secrets() -> None:
    """Move secrets to another key of the server's."""


@secrets.command("rotate")
@data_option
def rotate_secrets(data: Path | None) -> None:
    """Encrypt every secret anew with the first key of PURAS_SECRETS_KEY.

    Restart the server with the new key in front of the old ones, run this with the same setting,
    and take the old ones out at the next restart.

    \b
    Example:
      PURAS_SECRETS_KEY="$NEW,$OLD" puras admin secrets rotate
    """
    from puras.server import admin as server

    count = on_data(data, server.rotate_secrets)
    text = f"Encrypted {count} {'secret' if count == 1 else 'secrets'} anew."
    output.show({"rotated": count}, lambda: click.echo(text))


@admin.command()
@click.option("--fix", is_flag=True, help="First put right what can be without guessing.")
@data_option
def doctor(fix: bool, data: Path | None) -> None:
    """Check that everything holds; exit 1 if something is broken.

    It changes nothing without --fix, and may look beside a running server.

    \b
    Examples:
      puras admin doctor --output json
      puras admin doctor --fix
    """
    from puras.server.doctor.checks import examine
    from puras.server.doctor.mend import mend

    for done in on_data(data, mend) if fix else []:
        output.note(f"Mended {done}.")
    checks = on_data(data, examine)
    output.show(
        [asdict(check) for check in checks],
        lambda: output.table(
            ["STATE", "CHECK", "WHAT WAS FOUND"],
            [[check.state, check.name, check.detail] for check in checks],
            empty="Nothing was checked.",
        ),
    )
    broken = [check.name for check in checks if check.state == "fail"]
    if broken:
        raise CommandFailed(f"broken: {', '.join(broken)}", code="unhealthy")


def _document(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "slug": workspace.slug,
        "name": workspace.name,
        "balance_micros": workspace.balance_micros,
        "concurrency": workspace.concurrency,
    }
