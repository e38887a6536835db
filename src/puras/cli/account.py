"""Who is logged in, and where: `login`, `logout`, `whoami`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from puras.cli import config, output
from puras.cli.command import Command
from puras.cli.connection import connect, connect_to, current_login
from puras.cli.failures import USAGE, CommandFailed
from puras.cli.model_keys import VARIABLES, variable_of


@click.command(cls=Command)
@click.option("--key", help="The API key; `-` reads it from standard input. Asked for if absent.")
@click.option(
    "--api-base", metavar="URL", help="The server. Default: where you were, or PURAS_API_BASE."
)
@click.option(
    "--llm-api-key",
    metavar="KEY",
    help="Keep the key of a model provider instead: for `run --local` and `serve` here. `-` reads.",
)
def login(key: str | None, api_base: str | None, llm_api_key: str | None) -> None:
    """Keep an API key for the commands that follow.

    The key is tried first, and kept in ~/.puras/config.json, which only you can read.

    \b
    Examples:
      puras login
      puras login --api-base http://127.0.0.1:8787 --key -  < key.txt
      puras login --llm-api-key -  < anthropic-key.txt
    """
    if llm_api_key is not None:
        _keep_model_key(llm_api_key)
        return
    base = (api_base or _known_base()).rstrip("/")
    api_key = _read_key(key, base)
    with connect_to(config.Login(base, api_key, "config")) as api:
        balance = api.balance()
    path = config.remember_login(api_base=base, api_key=api_key)
    output.show(
        {"api_base": base, "workspace": balance["workspace"], "config": str(path)},
        lambda: click.echo(f"Logged in to workspace {balance['workspace']} at {base}."),
    )
    _warn_of_environment()


def _keep_model_key(given: str) -> None:
    key = (sys.stdin.read() if given == "-" else given).strip()
    variable = variable_of(key)
    if variable is None:
        raise CommandFailed(
            "this key begins like that of no provider: Anthropic, OpenAI, Google, OpenRouter",
            exit_code=USAGE,
            next_step=f"set one of {', '.join(VARIABLES.values())} in the environment instead",
        )
    path = config.write_config(replace(config.read_config(), llm_api_key=key))
    output.show(
        {"variable": variable, "config": str(path)},
        lambda: click.echo(f"Kept in {path}; servers started here get it as {variable}."),
    )


@click.command(cls=Command)
def logout() -> None:
    """Forget the API key.

    \b
    Example:
      puras logout
    """
    forgotten = config.forget_login()
    text = "Logged out." if forgotten else "You were not logged in."
    output.show({"logged_out": forgotten}, lambda: click.echo(text))
    _warn_of_environment()


@click.command(cls=Command)
def whoami() -> None:
    """Show the workspace, its balance, and which key and server are used.

    \b
    Example:
      puras whoami --output json
    """
    where = current_login()
    with connect() as api:
        balance = api.balance()
    shown = {
        "workspace": balance["workspace"],
        "balance": output.usd(balance["balance_micros"]),
        "spent today": output.usd(balance["spent_today_micros"]),
        "server": where.api_base,
        "key": _shorten(where.api_key or ""),
        "key from": "PURAS_API_KEY" if where.key_source == "environment" else config.config_path(),
    }
    output.show(
        {
            **balance,
            "api_base": where.api_base,
            "key_prefix": _shorten(where.api_key or ""),
            "key_source": where.key_source,
        },
        lambda: output.fields(shown),
    )


def _known_base() -> str:
    return config.current_login(config.read_config(), os.environ).api_base


def _read_key(key: str | None, base: str) -> str:
    if key is None and sys.stdin.isatty():
        key = click.prompt(f"API key for {base}", hide_input=True, err=True)
    elif key in {None, "-"}:
        key = sys.stdin.readline()
    key = (key or "").strip()
    if not key:
        raise CommandFailed(
            "no API key was given", exit_code=USAGE, next_step="puras login --key puras_live_…"
        )
    return key


def _warn_of_environment() -> None:
    if os.environ.get("PURAS_API_KEY"):
        output.note("Note: PURAS_API_KEY is set, and wins over what is kept here.")


def _shorten(key: str) -> str:
    """Keep the part of a key that is no secret."""
    return key.partition(".")[0] if "." in key else "…"
