"""What a skill can say of its own run, and know of it.

from puras import job, log, progress, step

def main(pages: int) -> dict:
    log(f"attempt {job.attempt} at {job.id}")
    text = step("read", read_pages, pages)      # its result is kept across attempts
    progress(0.5, "read")
    ...
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from puras import _channel
from puras.errors import PurasError
from puras.wire import LogLevel


class Job:
    """The job that is being run. Reading it outside of a run raises PurasError."""

    @property
    def id(self) -> str:
        return _channel.variable("PURAS_JOB_ID")

    @property
    def attempt(self) -> int:
        """1 in the first run; more when a worker was lost and the job runs again."""
        return int(_channel.variable("PURAS_ATTEMPT"))

    @property
    def inputs(self) -> dict[str, Any]:
        """The job's inputs, a fresh copy each time."""
        return dict(_channel.call("job.inputs"))

    def __repr__(self) -> str:
        return f"<puras.job {self.id} attempt {self.attempt}>"


job = Job()


def log(message: object, level: LogLevel = "info") -> None:
    """Add a line to the job's log. One of level `error` is hidden from publishable keys."""
    _channel.call("log", message=str(message), level=level)


def progress(fraction: float, message: str | None = None) -> None:
    """Say how far the run is: 0 to 1.

    Raises:
        ValueError: the fraction is not a number from 0 to 1.
    """
    if not math.isfinite(fraction) or not 0 <= fraction <= 1:
        raise ValueError(f"a fraction is a number from 0 to 1, not {fraction!r}")
    _channel.call("progress", fraction=float(fraction), message=message)


def step(name: str, fn: Callable[..., Any] | None = None, *args: Any) -> Any:
    """Say that a step begins. With `fn`, run `fn(*args)` in it and keep its JSON result.

    A later attempt at the same job gets the kept result of the k-th step with this name and these
    arguments, and does not run `fn` again. The result comes back as JSON has it (a tuple as a list)
    in the first attempt too.

    Raises:
        PurasError: the arguments or the result are no JSON.
    """
    _channel.call("step", name=name)
    if fn is None:
        return None
    recorded = _channel.count("step", {"name": name, "args": list(args)})
    kept = _channel.call("recorded.get", **recorded._asdict())
    if kept["found"]:
        return kept["value"]
    with _channel.span(name):
        value = _as_json(name, fn(*args))
        _channel.call("recorded.put", **recorded._asdict(), value=value)
    return value


def _as_json(name: str, value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise PurasError(f"the result of step {name!r} is no JSON: {error}") from None
