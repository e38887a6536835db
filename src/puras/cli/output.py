"""How commands speak: results on stdout, everything else on stderr.

`--output json` makes a result one JSON document, or one a line where results stream. As text, a
terminal gets tables and colour; a pipe gets plain lines, columns parted by tabs, no header.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import click

_META_KEY: Final = "puras.output"
_HARMFUL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # control characters, but for newline and tab
    r"|[\u202a-\u202e\u2066-\u2069]"  # marks that turn the direction of writing
    r"|[\ud800-\udfff]"  # lone surrogates, which no encoding has
)


def choose_output(context: click.Context, value: str) -> None:
    """Fix the form of results for the running command."""
    context.meta[_META_KEY] = value


def is_json() -> bool:
    """Tell whether the running command was asked for JSON."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_META_KEY) == "json"


def show(value: Any, draw: Callable[[], None]) -> None:
    """Write a result: the value as JSON if that was asked for, else whatever `draw` writes."""
    if is_json():
        document(value)
    else:
        draw()


def document(value: Any) -> None:
    """Write one indented JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def compact(value: Any) -> str:
    """Write JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def json_line(value: Any) -> None:
    """Write one JSON document on one line, at once."""
    click.echo(compact(value))
    sys.stdout.flush()


def note(message: str) -> None:
    """Tell a person something that is no result; silent when JSON was asked for."""
    if not is_json():
        click.echo(printable(message), err=True)


def fields(pairs: Mapping[str, Any]) -> None:
    """Write names and values, one pair a line."""
    width = max(len(name) for name in pairs)
    for name, value in pairs.items():
        click.echo(f"{name:<{width}}  {cell(value)}")


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Write rows; `empty` is the note for there being none."""
    if not rows:
        note(empty)
    elif sys.stdout.isatty():
        _draw_table(headers, rows)
    else:
        for row in rows:
            click.echo("\t".join(cell(value) for value in row))


def cell(value: Any) -> str:
    """Write a value for a person: `-` for none, `yes` and `no`, lists with commas."""
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
    return printable(str(value)).replace("\n", " ").replace("\t", " ")


def printable(text: str) -> str:
    """Make text harmless to a terminal: a skill's log must not move the cursor or set a title."""
    return _HARMFUL.sub(lambda mark: mark[0].encode("unicode_escape").decode(), text)


def usd(micros: int) -> str:
    return f"${micros / 1_000_000:,.2f}" if micros % 10_000 == 0 else f"${micros / 1_000_000:,.6f}"


def size(count: int) -> str:
    """Write a number of bytes in the unit that suits it."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def moment(time: str | None) -> str | None:
    """Shorten an ISO-8601 time to seconds, UTC."""
    return time and f"{time[:10]} {time[11:19]}"


def _draw_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell(value)) for value in row))
    Console().print(drawn)
