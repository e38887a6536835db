"""What a job costs: milliseconds of CPU of everybody who takes part in one that does nothing.

    python benchmarks/cost.py [jobs]

Latency tells what one caller waits; this tells what the machine does meanwhile, and so how many
jobs a second it could do at most, if its cores did nothing else and never waited.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import peers
from figures import Figure, show
from idle import family
from served import Served, deploy, durable_postgres, started

CORES = os.cpu_count() or 1
KINDS = {"fresh": "a process for each run", "warm": "`process: warm`"}
WARM_UP = 50
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def measure(jobs: int = 600) -> list[Figure]:
    return [*costs(jobs, "SQLite"), *costs_on_postgres(jobs)]


def costs_on_postgres(jobs: int) -> list[Figure]:
    with durable_postgres() as url:
        (folder,) = parse_qs(urlsplit(url).query)["host"]
        lock = (Path(folder) / "data" / "postmaster.pid").read_text()
        return costs(jobs, "PostgreSQL", url=url, postmaster=int(lock.split()[0]))


def costs(
    jobs: int, database: str, *, url: str | None = None, postmaster: int | None = None
) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="puras-bench-") as folder,
        started(Path(folder), database=url) as served,
    ):
        deploy(served)
        return [
            figure
            for kind, told in KINDS.items()
            for figure in told_of(
                f"{database}, {told}", cost(jobs, kind, served, postmaster=postmaster)
            )
        ]


def told_of(what: str, each: dict[str, float]) -> list[Figure]:
    total = sum(each.values())
    most = f"{CORES * 1000 / total:.0f}"
    return [
        *(Figure(f"{what}: {name}", f"{value:.1f} ms") for name, value in each.items()),
        Figure(f"{what}: all of them", f"{total:.1f} ms", "jobs a second at most", most),
    ]


def cost(jobs: int, kind: str, served: Served, *, postmaster: int | None) -> dict[str, float]:
    """Return the milliseconds of each of them for one job, of so many one after the other."""
    with peers.ours("http", served.url, served.key, kind) as caller:
        caller.latencies(WARM_UP)
        before = spent(served, caller.process.popen.pid, postmaster)
        caller.latencies(jobs)
        after = spent(served, caller.process.popen.pid, postmaster)
    return {name: (after[name] - before[name]) / jobs for name in after}


def spent(served: Served, caller: int, postmaster: int | None) -> dict[str, float]:
    """Return the milliseconds of CPU that each of them has had until now."""
    server, *below = family(served.process.pid)
    found = {
        "the caller": own(caller),
        "the server": own(server),
        "zygotes and runs": reaped(server) + sum(own(each) + reaped(each) for each in below),
    }
    if postmaster is not None:
        found["the database"] = reaped(postmaster) + sum(map(own, family(postmaster)))
    return found


def own(pid: int) -> float:
    user, system, *_ = _times(pid)
    return user + system


def reaped(pid: int) -> float:
    """Return what the children of a process had that are gone."""
    *_, user, system = _times(pid)
    return user + system


def _times(pid: int) -> list[float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(ticks) * _TICK_MS for ticks in fields[11:15]]


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
