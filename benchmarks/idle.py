"""What a server costs that has nothing to do: seconds until it is ready, and its memory.

    python benchmarks/idle.py [starts]

Ready: from the start of the process until `GET /ready` answers 200, on data that is there already.
Memory is what all of its processes have for themselves (PSS: shared pages are split between them).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from figures import Figure, show
from served import started


def measure(starts: int = 5) -> list[Figure]:
    taken = []
    with tempfile.TemporaryDirectory(prefix="puras-bench-") as folder:
        for _ in range(starts + 1):
            begun = time.perf_counter()
            with started(Path(folder)) as served:
                assert httpx2.get(f"{served.url}/ready").status_code == 200
                taken.append(time.perf_counter() - begun)
                time.sleep(1)  # to be idle
                processes = family(served.process.pid)
                memory = sum(map(proportional_megabytes, processes))
    return [
        Figure("ready, the first start", f"{taken[0]:.2f} s"),
        Figure("ready, later starts (median)", f"{statistics.median(taken[1:]):.2f} s"),
        Figure(f"memory when idle, processes: {len(processes)}", f"{memory:.0f} MB"),
    ]


def family(pid: int) -> list[int]:
    """Return a process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *[each for child in children for each in family(int(child))]]


def proportional_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
