"""Watching a job, and what is told when the watching ends before the job does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from puras.cli import live
from puras.cli.asking import ask_if_asked
from puras.cli.failures import INTERRUPTED, CommandFailed
from puras.errors import PurasConnectionError

if TYPE_CHECKING:
    from puras.cli.api import Api
    from puras.client._models import Job


def watch(
    api: Api,
    job_id: str,
    *,
    title: str,
    stream: IO[str],
    json: type[live.Silent | live.JSONLines],
    timeout: float | None,
    interval: float = 1.5,
    goes_on: bool = True,
) -> Job:
    """Show a job's events as they come, and return the job when it is over. On a terminal, who
    watches is asked what an agent asks.

    `json` is the view for `--output json`; `goes_on` tells whether the job outlives the watching.

    Raises:
        CommandFailed: Ctrl-C, a lost connection, or no end within `timeout` seconds.
    """
    with _the_end_told(job_id, goes_on=goes_on):
        with live.view(title, stream=stream, json=json) as view:
            for event in api.follow(job_id, timeout=timeout, interval=interval):
                view.show(event)
                ask_if_asked(api, view, event)
        return api.get(job_id)


@contextmanager
def _the_end_told(job_id: str, *, goes_on: bool) -> Iterator[None]:
    from puras.cli.api import StillRunning

    fate = "goes on" if goes_on else "ends with its server"
    next_step = f"follow it: puras logs {job_id}, or stop it: puras cancel {job_id}"
    try:
        yield
    except KeyboardInterrupt:
        raise CommandFailed(
            f"interrupted; job {job_id} {fate}",
            exit_code=INTERRUPTED,
            code="interrupted",
            next_step=next_step if goes_on else None,
        ) from None
    except PurasConnectionError as error:
        raise CommandFailed(
            f"{error}; job {job_id} {fate}",
            code="connection_lost",
            next_step=next_step if goes_on else None,
        ) from error
    except StillRunning:
        raise CommandFailed(
            f"job {job_id} was not over in time; it {fate}",
            code="still_running",
            next_step=next_step if goes_on else "give it longer: --timeout SECONDS",
        ) from None
