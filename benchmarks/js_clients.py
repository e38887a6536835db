"""The JavaScript client beside those of others: its size, how soon it has an event, and a result.

    python benchmarks/js_clients.py [rounds]

Every client runs in a Node of its own and is called as its own readme shows. The sides are called
in turn, round after round, so that a busy moment hits all of them alike. What they call is not
alike. Ours calls a real server, which writes rows and starts a process for the run; Gradio's a real
application; those of fal and Replicate a loopback server that does nothing and keeps nothing, since
the services cost money: their figures are the client and its protocol alone.
"""

from __future__ import annotations

import gzip
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx2
import peers
from contestants import Contestant
from environments import node_with
from figures import Figure, show, times
from processes import end_when_told
from served import Served, serving

SDK = Path(__file__).parents[1] / "sdk" / "typescript"
IMPORTED = {
    "puras": 'export { Puras } from "puras"',
    "@fal-ai/client": 'export { fal } from "@fal-ai/client"',
    "replicate": 'export { default } from "replicate"',
    "@gradio/client": 'export { Client } from "@gradio/client"',
}
"""What an application imports to have the client of each package."""

NOTHING_CALLS, WORK_CALLS, LOOKS = 20, 3, 200
"""Calls of a side in one round."""

WORK_SECONDS = 0.7


def measure(rounds: int = 5) -> list[Figure]:
    folder = installed()
    with serving() as served:
        return [
            *sizes(folder),
            *nothing(folder, served, rounds),
            *work(folder, served, rounds),
            *looks(folder, served, rounds),
        ]


def installed() -> Path:
    """Build the client as it is now, and install it beside the others."""
    if not (SDK / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=SDK, check=True)
    subprocess.run(["npm", "run", "--silent", "build"], cwd=SDK, check=True, stdout=sys.stderr)
    others = [name for name in IMPORTED if name != "puras"]
    return node_with(str(SDK), "esbuild", *others)


def sizes(folder: Path) -> list[Figure]:
    """Bundle each client for a page, minify and compress it."""
    found = {name: packed_bytes(folder, code) for name, code in IMPORTED.items()}
    return rows("in a page, minified and gzipped", found, unit="kB", scale=1 / 1000)


def packed_bytes(folder: Path, code: str) -> float:
    options = ["--bundle", "--minify", "--format=esm", "--platform=browser", "--log-level=error"]
    bundle = subprocess.run(
        [folder / "node_modules" / ".bin" / "esbuild", *options],
        input=code.encode(),
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    return float(len(gzip.compress(bundle, 9)))


def nothing(folder: Path, served: Served, rounds: int) -> list[Figure]:
    """Time the first event and the result of a run that does nothing."""
    with ExitStack() as stack:
        sides = callers(stack, folder, served, skill="warm", seconds=0)
        taken = in_turn(sides, rounds=rounds, calls=NOTHING_CALLS)
    return [
        *rows("nothing to do, first event", medians(taken, "event")),
        *rows("nothing to do, result", medians(taken, "result")),
    ]


def work(folder: Path, served: Served, rounds: int) -> list[Figure]:
    """Time how late the result of a longer run is: later than its work takes."""
    with ExitStack() as stack:
        sides = callers(stack, folder, served, skill="ticker", seconds=WORK_SECONDS)
        taken = in_turn(sides, rounds=rounds, calls=WORK_CALLS)
    late = {name: ms - WORK_SECONDS * 1000 for name, ms in medians(taken, "result").items()}
    return [
        *rows(f"{WORK_SECONDS} s of work, first event", medians(taken, "event")),
        *rows(f"{WORK_SECONDS} s of work, its result is late by", late),
    ]


def looks(folder: Path, served: Served, rounds: int) -> list[Figure]:
    """Compare one look at a job with what `fetch` needs for the same request."""
    asked = (served.url, served.key, finished_job(served))
    with ExitStack() as stack:
        sides = {
            "`puras.get`": stack.enter_context(peers.in_node(folder, "get", *asked)),
            "`fetch`": stack.enter_context(peers.in_node(folder, "fetched", *asked)),
        }
        taken = medians(in_turn(sides, rounds=rounds, calls=LOOKS), "result")
    ratio = times(taken["`puras.get`"], taken["`fetch`"])
    return [
        Figure(
            "a look at a job, `puras.get`", f"{taken['`puras.get`']:.2f} ms", "`fetch`'s", ratio
        ),
        Figure("a look at a job, `fetch`", f"{taken['`fetch`']:.2f} ms"),
    ]


def callers(
    stack: ExitStack, folder: Path, served: Served, *, skill: str, seconds: float
) -> dict[str, Contestant]:
    """Start every client, each with somebody to call."""
    queues = stack.enter_context(peers.queue_services(folder))
    app = stack.enter_context(peers.gradio_app())
    called = {
        "puras": ("puras", served.url, served.key, skill),
        "@fal-ai/client": ("fal", queues),
        "replicate": ("replicate", queues),
        "@gradio/client": ("gradio", app),
    }
    return {
        name: stack.enter_context(peers.in_node(folder, *arguments, str(seconds)))
        for name, arguments in called.items()
    }


def in_turn(
    sides: dict[str, Contestant], *, rounds: int, calls: int
) -> dict[str, list[dict[str, float]]]:
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name] += side.timings(calls)
    return taken


def medians(taken: dict[str, list[dict[str, float]]], what: str) -> dict[str, float]:
    return {
        name: statistics.median(each[what] for each in timings) for name, timings in taken.items()
    }


def rows(
    title: str, found: dict[str, float], *, unit: str = "ms", scale: float = 1
) -> list[Figure]:
    """Set each client beside ours."""
    mine = found["puras"]
    return [
        Figure(
            f"{title}, `{name}`",
            f"{value * scale:.1f} {unit}",
            *(() if name == "puras" else ("`puras`", times(value, mine))),
        )
        for name, value in found.items()
    ]


def finished_job(served: Served) -> str:
    """Run a job, and return its id."""
    answer = httpx2.post(
        f"{served.url}/v1/jobs?wait=true",
        headers=served.headers,
        json={"skill": "bench/warm", "inputs": {}},
    )
    return str(answer.raise_for_status().json()["id"])


if __name__ == "__main__":
    end_when_told()
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
