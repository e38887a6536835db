"""What all commands have in common: `--output`, and a near name for a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import Any

import click

from puras.cli.output import choose_output


class Command(click.Command):
    """A command that takes `--output text|json`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--output"],
                type=click.Choice(["text", "json"]),
                default="text",
                show_default=True,
                expose_value=False,
                is_eager=True,
                callback=lambda context, _, value: choose_output(context, value),
                help="How results are written.",
            )
        )


class NearNames(click.Group):
    """A group that names the nearest commands when it is given one that it does not have."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            names = self.list_commands(ctx)
            near = did_you_mean(name, names, same=_SAME_WORDS)
            raise click.UsageError(f"there is no command {name!r}{near}", ctx)
        return super().resolve_command(ctx, args)


class Group(NearNames):
    """A command with commands below it; called without one, it does what `list` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


_SAME_WORDS = (
    {"add", "create", "generate", "make", "mint", "new"},
    {"delete", "destroy", "remove", "revoke", "rm"},
    {"list", "ls"},
    {"change", "edit", "set", "update"},
    {"get", "info", "inspect", "show"},
)


def did_you_mean(name: str, names: Iterable[str], *, same: Iterable[Collection[str]] = ()) -> str:
    """Return the end of a sentence that names what comes nearest; empty where nothing does.

    `same` are words that other programs have for the same thing."""
    names = list(names)
    near = [other for other in names if any({name, other} <= set(words) for words in same)]
    near = near or difflib.get_close_matches(name, names, n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""
