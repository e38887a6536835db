"""Shows a job while it runs: moving on a terminal, plain lines in a pipe, JSON lines on request.

`rich` is imported only when a terminal is drawn on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, Any, Protocol

import click

from puras.cli import events, output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class View(Protocol):
    """Something that can be shown one event after the other."""

    @property
    def can_pause(self) -> bool:
        """Whether a person looks at it, and may be asked something in between."""

    def show(self, event: Mapping[str, Any]) -> None: ...

    def paused(self) -> AbstractContextManager[None]:
        """Keep still, so that the terminal is free for a question."""


class _NeverPaused:
    can_pause = False

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()


class Silent(_NeverPaused):
    """Shows nothing: the result alone is wanted."""

    def show(self, event: Mapping[str, Any]) -> None:
        pass


class JSONLines(_NeverPaused):
    """Writes each event to stdout as one line of JSON."""

    def show(self, event: Mapping[str, Any]) -> None:
        output.json_line(event)


class PlainLines(_NeverPaused):
    """Writes each event as one line."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def show(self, event: Mapping[str, Any]) -> None:
        click.echo(str(events.line(event)), file=self._stream)


class Drawing:
    """Lines that scroll by, above one that moves: status, progress, elapsed time."""

    can_pause = True

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def show(self, event: Mapping[str, Any]) -> None:
        line = events.line(event)
        match event["type"]:
            case "status":
                self._progress.update(self._task, status=line.text)
                if event["payload"].get("status") == "succeeded":
                    self._progress.update(self._task, total=100, completed=100)
            case "progress":
                self._progress.update(
                    self._task,
                    total=100,
                    completed=events.percent(event["payload"]),
                    status=line.text,
                )
            case _:
                self._print(line)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def _print(self, line: events.Line) -> None:
        from rich.text import Text

        text = Text.assemble((f"{line.time}  {line.label:<9}  ", "dim"), (line.text, line.style))
        self._progress.console.print(text, soft_wrap=True)


@contextmanager
def view(title: str, *, stream: IO[str], json: type[Silent | JSONLines]) -> Iterator[View]:
    """Open the view that suits the stream, and leave the terminal tidy whatever happens.

    `json` is the view to take when JSON was asked for.
    """
    if output.is_json():
        yield json()
    elif stream.isatty():
        with _drawing(title, stream) as drawing:
            yield drawing
    else:
        yield PlainLines(stream)


@contextmanager
def _drawing(title: str, stream: IO[str]) -> Iterator[Drawing]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[Any] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[status]}", markup=False),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=Console(file=stream), refresh_per_second=10) as progress:
        # Without a total the bar moves to and fro: how far the job is, only the job can tell.
        task = progress.add_task(title, total=None, status="")
        yield Drawing(progress, task)


@contextmanager
def transfer(title: str, *, total: int, stream: IO[str]) -> Iterator[Any]:
    """Show bytes going out: a bar on a terminal, one line in a pipe. Yields `advance(count)`."""
    if output.is_json() or not stream.isatty():
        output.note(f"{title} ({output.size(total)})")
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns: list[Any] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
    ]
    with Progress(*columns, console=Console(file=stream)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)
