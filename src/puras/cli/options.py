"""Options that several commands share."""

from __future__ import annotations

from typing import Final

import click

skillpack_option: Final = click.option(
    "--skillpack",
    "--app",
    "skillpack",
    metavar="REF",
    help="A slug, workspace/slug or id. Default: what puras.yaml here says.",
)
