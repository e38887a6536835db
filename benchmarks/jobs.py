"""From submit to result, for a function that does nothing: latency alone, jobs a second together.

    python benchmarks/jobs.py [rounds]

Every side is called in turn, round after round, so that a busy moment hits all of them alike. The
echo is the limit: what the same uvicorn does when there is nothing to do. Gradio and Celery do what
we do, without a process for each run, and keep no events; Gradio keeps no jobs either.
"""

from __future__ import annotations

import statistics
import sys
from contextlib import ExitStack

import peers
from figures import Figure, milliseconds, percentiles, show, times
from peers import Contestant
from served import DATABASES

CLIENTS = 8
CALLS_A_ROUND = 60


def measure(rounds: int = 5) -> list[Figure]:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serve()) for name, serve in DATABASES.items()}
        sides = {
            f"{how} {kind} {database}": stack.enter_context(
                peers.ours(how, served.url, served.key, kind)
            )
            for database, served in servers.items()
            for kind in ("fresh", "warm")
            for how in ("sdk", "http")
        }
        sides["echo"] = stack.enter_context(peers.echo())
        sides["gradio"] = stack.enter_context(peers.gradio())
        sides["celery"] = stack.enter_context(peers.celery())
        return [*latency(sides, rounds), *throughput(sides, rounds)]


def latency(sides: dict[str, Contestant], rounds: int) -> list[Figure]:
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name] += side.latencies(CALLS_A_ROUND)
    names = {
        **on_each("sdk fresh", "`Puras.run`, a process for each run"),
        **on_each("http fresh", "one request, a process for each run"),
        **on_each("sdk warm", "`Puras.run`, `process: warm`"),
        **on_each("http warm", "one request, `process: warm`"),
        "gradio": "Gradio, `Client.predict`",
        "celery": "Celery on Redis, `delay().get()`",
        "echo": "the echo",
    }
    return [
        Figure(
            f"{told}: p50 / p95 / p99",
            milliseconds(taken[name]),
            *beside("celery", percentiles(taken[name])[0], percentiles(taken["celery"])[0], name),
        )
        for name, told in names.items()
    ]


def throughput(sides: dict[str, Contestant], rounds: int) -> list[Figure]:
    shown = {
        **on_each("http fresh", "a process for each run"),
        **on_each("http warm", "`process: warm`"),
        "gradio": "Gradio",
        "celery": "Celery on Redis",
        "echo": "the echo",
    }
    found: dict[str, list[float]] = {name: [] for name in shown}
    for _ in range(rounds):
        for name in shown:
            found[name].append(sides[name].rate(clients=CLIENTS))
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    return [
        Figure(
            f"{CLIENTS} clients at once, {told}",
            f"{medians[name]:.0f} a second",
            *beside("celery", medians[name], medians["celery"], name),
        )
        for name, told in shown.items()
    ]


def on_each(name: str, told: str) -> dict[str, str]:
    """Name a side, and tell of it, on each database."""
    return {f"{name} {database}": f"{told}, {database}" for database in DATABASES}


def beside(other: str, mine: float, its: float, name: str) -> tuple[str, ...]:
    """Compare with Celery, the quicker of the two peers."""
    return () if name == other else ("Celery's", times(mine, its))


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
