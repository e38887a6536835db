"""API keys: who may call what, how much and until when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from puras.cli import output
from puras.cli.command import Group
from puras.cli.connection import connect
from puras.cli.failures import CommandFailed
from puras.wire import Key, KeyCreate, KeyPatch

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Group)
def keys() -> None:
    """List, mint, change and revoke API keys.

    \b
    Examples:
      puras keys
      puras keys mint --name website --publishable --skill my-skills/hello --daily-cap 5
      puras keys revoke 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """


def fences(command: F) -> F:
    """Add the options that limit a key."""
    options = (
        click.option(
            "--skill", "skills", multiple=True, metavar="PATH", help="Only this skill; repeatable."
        ),
        click.option("--daily-cap", type=float, metavar="USD", help="Most to spend in a UTC day."),
        click.option("--rate", type=int, metavar="N", help="Most submits in a minute."),
        click.option("--concurrency", type=int, metavar="N", help="Most runs at once."),
        click.option(
            "--origin",
            "origins",
            multiple=True,
            metavar="URL",
            help="Only pages from there; repeatable.",
        ),
        click.option(
            "--expires", metavar="TIME", help="Until then, ISO-8601: 2027-01-31T00:00:00Z."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@keys.command("list")
@click.option("--all", "with_revoked", is_flag=True, help="Revoked ones too.")
def list_keys(with_revoked: bool) -> None:
    """List the workspace's keys."""
    with connect() as api:
        shown = [key for key in api.list_keys() if with_revoked or key["revoked_at"] is None]
    output.show(
        shown,
        lambda: output.table(
            ["ID", "NAME", "KIND", "PREFIX", "SKILLS", "CAP", "SPENT TODAY", "LAST USED", "STATE"],
            [_row(key) for key in shown],
            empty="No keys.",
        ),
    )


@keys.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--publishable", is_flag=True, help="For a web page or an app: it sees its own jobs only."
)
@fences
def mint(
    name: str,
    publishable: bool,
    skills: tuple[str, ...],
    daily_cap: float | None,
    rate: int | None,
    concurrency: int | None,
    origins: tuple[str, ...],
    expires: str | None,
) -> None:
    """Mint a key. It is shown once: stdout gets the key alone.

    \b
    Examples:
      puras keys mint --name ci > ci.key
      puras keys mint --name app --publishable --skill my-skills/hello --origin https://app.example
    """
    body: KeyCreate = {
        "name": name,
        "kind": "publishable" if publishable else "secret",
        "skills": list(skills) or "all",
    }
    _add_fences(
        body,
        daily_cap=daily_cap,
        rate=rate,
        concurrency=concurrency,
        origins=origins,
        expires=expires,
    )
    with connect() as api:
        minted = api.mint_key(body)
    if "key" not in minted:
        raise CommandFailed(
            f"key {minted['id']} was minted, but the answer that showed it was lost on the way",
            code="key_lost",
            next_step=f"puras keys revoke {minted['id']}, and mint another",
        )
    output.note(f"Minted {minted['kind']} key {minted['id']}. It is shown this once; keep it safe:")
    output.show(minted, lambda: click.echo(minted.get("key", "")))


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option("--name", help="A new name.")
@click.option("--all-skills", is_flag=True, help="Lift the skill allowlist.")
@click.option("--no-daily-cap", is_flag=True, help="Lift the daily cap.")
@click.option("--no-rate", is_flag=True, help="Lift the rate limit.")
@click.option("--no-concurrency", is_flag=True, help="Lift the limit of runs at once.")
@click.option("--any-origin", is_flag=True, help="Lift the list of origins.")
@click.option("--no-expiry", is_flag=True, help="Let it never expire.")
@fences
def update(
    key_id: str,
    name: str | None,
    all_skills: bool,
    no_daily_cap: bool,
    no_rate: bool,
    no_concurrency: bool,
    any_origin: bool,
    no_expiry: bool,
    skills: tuple[str, ...],
    daily_cap: float | None,
    rate: int | None,
    concurrency: int | None,
    origins: tuple[str, ...],
    expires: str | None,
) -> None:
    """Change a key's name or its limits; what you do not name stays.

    \b
    Examples:
      puras keys update 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --daily-cap 20
      puras keys update 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f --no-expiry
    """
    changes: KeyPatch = {} if name is None else {"name": name}
    if all_skills or skills:
        changes["skills"] = "all" if all_skills else list(skills)
    if no_daily_cap:
        changes["daily_cap_usd"] = None
    if no_rate:
        changes["rate_per_minute"] = None
    if no_concurrency:
        changes["concurrency"] = None
    if any_origin:
        changes["allowed_origins"] = None
    if no_expiry:
        changes["expires_at"] = None
    _add_fences(
        changes,
        daily_cap=daily_cap,
        rate=rate,
        concurrency=concurrency,
        origins=origins,
        expires=expires,
    )
    if not changes:
        raise click.UsageError("nothing to change: see puras keys update --help")
    with connect() as api:
        key = api.update_key(key_id, changes)
    output.show(key, lambda: output.fields(_described(key)))


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke a key, at once and for good.

    \b
    Example:
      puras keys revoke 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """
    with connect() as api:
        api.revoke_key(key_id)
    output.show({"revoked": key_id}, lambda: click.echo(f"Revoked {key_id}."))


def _add_fences(
    body: KeyCreate | KeyPatch,
    *,
    daily_cap: float | None,
    rate: int | None,
    concurrency: int | None,
    origins: Sequence[str],
    expires: str | None,
) -> None:
    if daily_cap is not None:
        body["daily_cap_usd"] = daily_cap
    if rate is not None:
        body["rate_per_minute"] = rate
    if concurrency is not None:
        body["concurrency"] = concurrency
    if origins:
        body["allowed_origins"] = list(origins)
    if expires is not None:
        body["expires_at"] = expires


def _described(key: Key) -> dict[str, Any]:
    cap = key["daily_cap_usd"]
    return {
        "id": key["id"],
        "name": key["name"],
        "kind": key["kind"],
        "prefix": key["prefix"],
        "skills": key["skills"],
        "daily cap": None if cap is None else f"${cap:,.2f}",
        "spent today": output.usd(key["spent_today_micros"]),
        "submits a minute": key["rate_per_minute"],
        "runs at once": key["concurrency"],
        "origins": key["allowed_origins"],
        "expires": output.moment(key["expires_at"]),
        "last used": output.moment(key["last_used_at"]),
        "state": "revoked" if key["revoked_at"] else "good",
    }


def _row(key: Key) -> list[Any]:
    shown = _described(key)
    names = ("id", "name", "kind", "prefix", "skills", "daily cap", "spent today", "last used")
    return [*(shown[name] for name in names), shown["state"]]
