"""Models: which a server has, what they cost, and why one can't be used."""

from __future__ import annotations

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.wire import Model


@click.command(cls=Command)
def models() -> None:
    """List the models that skills can name: first those that can be used now, then the rest.

    \b
    Examples:
      puras models
      puras models --output json
    """
    with connect() as api:
        found = api.list_models()
    output.show(found, lambda: _table(found))


def _table(found: list[Model]) -> None:
    usable = [model for model in found if model["usable"]]
    output.table(
        ["MODEL", "PROVIDER", "INPUT", "OUTPUT", "SEES"],
        [_row(model) for model in usable],
        empty="No model can be used now.",
    )
    for model in found:
        if "why_not" in model:
            output.note(output.printable(model["why_not"]))


def _row(model: Model) -> list[str]:
    sees = [name for name, can in (("images", model["vision"]), ("PDF", model["pdf"])) if can]
    return [
        model["slug"],
        model["provider"],
        _price(model["input_usd_per_mtok"]),
        _price(model["output_usd_per_mtok"]),
        ", ".join(sees),
    ]


def _price(usd: float | None) -> str:
    """Write a price for a million tokens; none is known of a whole family."""
    return "" if usd is None else f"${usd:g}/M"
