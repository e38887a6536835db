"""From submit to result, for a function that does nothing: latency alone, jobs a second together.

    python benchmarks/jobs.py [rounds]

Every side is called in turn, round after round, so that a busy moment hits all of them alike. The
echo is the limit: what the same uvicorn does when there is nothing to do. README.md tells what each
of the peers keeps, and what it does not.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import chain

import peers
from contestants import Contestant
from figures import Figure, milliseconds, percentiles, show, times
from processes import end_when_told
from served import DATABASES
from sides import Sides

CLIENTS = 8
CALLS_A_ROUND = 60
SECONDS_A_ROUND = 5  # all calls of a side that takes less than 80 ms for each
RATE_SECONDS = 2

PEERS: dict[str, Callable[[], AbstractContextManager[Contestant]]] = {
    "gradio": peers.gradio,
    "celery": peers.celery,
    "celery fresh": partial(peers.celery, "--max-tasks-per-child=1"),
    "rq": peers.rq,
    "procrastinate": peers.procrastinate,
    "dbos queue": partial(peers.dbos, "enqueue"),
    "dbos": partial(peers.dbos, "start"),
    "restate": peers.restate,
    "langgraph": peers.langgraph,
    "cog": peers.cog,
}
ALONE = {
    "gradio": "Gradio, `Client.predict`",
    "celery": "Celery on Redis, `delay().get()`",
    "celery fresh": "Celery, a process for each task, `delay().get()`",
    "rq": "RQ on Redis, a process for each job, `enqueue().latest_result()`",
    "procrastinate": "Procrastinate on PostgreSQL, `defer()` and its status",
    "dbos queue": "DBOS on PostgreSQL, by its queue, `enqueue().get_result()`",
    "dbos": "DBOS on PostgreSQL, in the caller, `start_workflow().get_result()`",
    "restate": "Restate, `/peer/nothing`",
    "langgraph": "LangGraph's development server, `/runs/wait`",
    "cog": "Cog's server, `/predictions`",
    "echo": "the echo",
}
TOGETHER = {name: told.partition(", `")[0] for name, told in ALONE.items()}


def measure(rounds: int = 5) -> list[Figure]:
    with ExitStack() as stack:
        sides = Sides(stack)
        for database, serve in DATABASES.items():
            served = stack.enter_context(serve())
            for kind in ("fresh", "warm"):
                for how in ("sdk", "http"):
                    ours = peers.ours(how, served.url, served.key, kind)
                    sides.add(f"{how} {kind} {database}", ours)
        sides.add("echo", peers.echo())
        for name, start in PEERS.items():
            sides.add_peer(name, start())
        return [*latency(sides, rounds), *throughput(sides, rounds)]


def latency(sides: Sides, rounds: int) -> list[Figure]:
    names = {
        **on_each("sdk fresh", "`Puras.run`, a process for each run"),
        **on_each("http fresh", "one request, a process for each run"),
        **on_each("sdk warm", "`Puras.run`, `process: warm`"),
        **on_each("http warm", "one request, `process: warm`"),
        **ALONE,
    }
    answers = sides.in_turn(
        names,
        lambda side: side.latencies(CALLS_A_ROUND, seconds=SECONDS_A_ROUND),
        rounds=rounds,
    )
    taken = {name: list(chain.from_iterable(each)) for name, each in answers.items()}
    return rows(
        {name: f"{told}: p50 / p95 / p99" for name, told in names.items()},
        sides.absent | {name: milliseconds(each) for name, each in taken.items()},
        {name: percentiles(each)[0] for name, each in taken.items()},
    )


def throughput(sides: Sides, rounds: int) -> list[Figure]:
    names = {
        **on_each("http fresh", "a process for each run"),
        **on_each("http warm", "`process: warm`"),
        **TOGETHER,
    }
    rates = sides.in_turn(
        names,
        lambda side: side.rate(clients=CLIENTS, seconds=RATE_SECONDS),
        rounds=rounds,
    )
    medians = {name: statistics.median(each) for name, each in rates.items()}
    return rows(
        {name: f"{CLIENTS} clients at once, {told}" for name, told in names.items()},
        sides.absent | {name: f"{rate:.0f} a second" for name, rate in medians.items()},
        medians,
    )


def on_each(name: str, told: str) -> dict[str, str]:
    """Name a side, and tell of it, on each database."""
    return {f"{name} {database}": f"{told}, {database}" for database in DATABASES}


def rows(
    told: Mapping[str, str], measured: Mapping[str, str], compared: Mapping[str, float]
) -> list[Figure]:
    return [Figure(what, measured[name], *beside(name, compared)) for name, what in told.items()]


def beside(name: str, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Compare with Celery, and a process for each run also with RQ, which has one for each job."""
    others = {"celery": "Celery's"} | ({"rq": "RQ's"} if "fresh" in name else {})
    return tuple(
        part
        for other, whose in others.items()
        if other != name and {name, other} <= figures.keys()
        for part in (whose, times(figures[name], figures[other]))
    )


if __name__ == "__main__":
    end_when_told()
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
