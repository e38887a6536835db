"""`puras serve`: everything in one process, here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from puras.cli import config, output
from puras.cli.command import Command
from puras.cli.model_keys import kept_model_key
from puras.cli.server_extra import need_server, server_refusals, server_settings

if TYPE_CHECKING:
    from puras.server.settings import Settings
    from puras.server.start import FirstKey


@click.command(cls=Command)
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Deploy this bundle as skillpack `local`.",
)
@click.option("--watch", is_flag=True, help="With --dir: deploy again when a file changes.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535))
@click.option("--require-key", metavar="TOKEN", help="Accept TOKEN as a secret key too.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where everything is kept. Default: PURAS_HOME, else ~/.puras/data.",
)
@click.option(
    "--no-worker", is_flag=True, help="Run no jobs here: `puras worker` does. Needs PostgreSQL."
)
@click.option("--no-login", is_flag=True, help="Do not log this CLI in at the first start.")
def serve(
    folder: Path | None,
    watch: bool,
    host: str,
    port: int,
    require_key: str | None,
    data: Path | None,
    no_worker: bool,
    no_login: bool,
) -> None:
    """Start a server: API, database, files and workers in one process.

    The first start makes a workspace and a key, shows the key once with a link that signs a browser
    in, and logs this CLI in.
    Ctrl-C, or SIGTERM, lets running jobs go back to the queue; the next start goes on with them.

    \b
    Examples:
      puras serve
      puras serve --dir my-skills --watch
      puras serve --host 0.0.0.0 --port 80 --data /var/lib/puras
    """
    if watch and folder is None:
        raise click.UsageError("--watch needs --dir")
    need_server()
    from puras.server.serve import serve as run_server

    os.environ.update(kept_model_key(os.environ))
    settings = server_settings(host=host, port=port, data=data, require_key=require_key)
    if not settings.is_loopback:
        click.echo(
            f"Warning: {host} can be reached from other machines, and keys travel unencrypted. "
            "Put a proxy with TLS in front, or bind to 127.0.0.1.",
            err=True,
        )
    with server_refusals():
        run_server(
            settings,
            bundle_dir=folder,
            watch=watch,
            works=not no_worker,
            ready=lambda bound, first: _tell(bound, first, log_in=not no_login),
        )


def _tell(settings: Settings, first: FirstKey | None, *, log_in: bool) -> None:
    from puras.server.sessions.links import link_url

    logged_in = first is not None and log_in and _log_in(settings.public_url, first.text)
    link = None if first is None else link_url(settings, first.link)
    if output.is_json():
        key = None if first is None else first.text
        output.json_line(
            {"url": settings.public_url, "data": str(settings.home), "key": key, "link": link}
        )
        return
    click.echo(f"Puras listens on {settings.public_url}  (data in {settings.home})")
    if first is not None and link is not None:
        _tell_key(settings.public_url, first.text, logged_in=logged_in)
        click.echo("In a browser, signed in; the link works once, within 15 minutes:")
        click.echo(f"  {link}\n")
    click.echo("Stop it with Ctrl-C.")
    sys.stdout.flush()


def _tell_key(url: str, key: str, *, logged_in: bool) -> None:
    click.echo(f"\nYour API key, shown this once:\n\n  {key}\n")
    if logged_in:
        click.echo("This CLI is logged in with it. In another terminal:")
    else:
        click.echo("To use it, in another terminal:")
        click.echo(f"  puras login --api-base {url}")
    click.echo("  puras init my-skills && puras deploy my-skills")
    click.echo("\nPython and JavaScript read it from the environment:")
    click.echo(f"  export PURAS_API_BASE={url}")
    click.echo(f"  export PURAS_API_KEY={key}")
    click.echo("\nAnything else sends it:")
    click.echo(f'  curl {url}/v1/billing/balance -H "Authorization: Bearer {key}"\n')


def _log_in(url: str, key: str) -> bool:
    """Log the CLI in, unless that would take the place of a login at another server."""
    known = config.read_config()
    if known.api_key is not None and known.api_base != url:
        output.note(f"This CLI stays logged in at {known.api_base or config.DEFAULT_API_BASE}.")
        return False
    config.remember_login(api_base=url, api_key=key)
    return True
