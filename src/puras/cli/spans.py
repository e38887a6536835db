"""`puras spans`: where a job's time went, drawn as a tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import click

from puras.cli import output
from puras.cli.command import Command
from puras.cli.connection import connect
from puras.wire import Span

_HIDDEN = frozenset({"job_id"})


@click.command(cls=Command)
@click.argument("job_id", metavar="JOB")
def spans(job_id: str) -> None:
    """Show where a job's time went: its attempts, steps and subagents.

    What is inside of another stands below it, further to the right. A subagent is a job of its
    own; its id is shown, and its spans are shown by that.

    \b
    Example:
      puras spans 01990c5e-7d2a-7c3e-9f10-2b6f0c1d2e3f
    """
    with connect() as api:
        found = api.spans(job_id)
    output.show(found, lambda: _draw(found))


def _draw(found: Sequence[Span]) -> None:
    if not found:
        output.note("No spans yet: they come with the end of a step, or of the run.")
    for line in lines(found):
        click.echo(line)


def lines(found: Sequence[Span]) -> Iterator[str]:
    """Write spans as an indented tree, each with its duration in front."""
    known = {span["span_id"] for span in found}
    below: dict[str | None, list[Span]] = defaultdict(list)
    for span in found:
        parent = span["parent_span_id"]
        below[parent if parent in known else None].append(span)
    yield from _subtree(below, None, depth=0)


def _subtree(
    below: dict[str | None, list[Span]], parent: str | None, *, depth: int
) -> Iterator[str]:
    for span in below.pop(parent, []):
        yield f"{duration(span['duration_ms']):>9}  {'  ' * depth}{_described(span)}"
        yield from _subtree(below, span["span_id"], depth=depth + 1)


def _described(span: Span) -> str:
    told = {name: value for name, value in span["attributes"].items() if name not in _HIDDEN}
    marks = [f"{name}={output.cell(value)}" for name, value in told.items()]
    job = span["attributes"].get("job_id")
    return " ".join(
        [span["kind"], output.cell(span["name"]), *marks, *([f"→ {job}"] if job else [])]
    )


def duration(milliseconds: float | None) -> str:
    """Write a duration in the unit that suits it."""
    if milliseconds is None:
        return "…"
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s"
