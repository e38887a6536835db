"""How long Puras takes to import, in fresh interpreters.

    python benchmarks/import_time.py [runs]

Prints the median of each statement beyond a bare interpreter's start, and its ratio to
`import httpx2`, which the client imports only when it first needs a connection.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STATEMENTS = {
    "import puras": "import puras",
    "from puras import Puras": "from puras import Puras",
    "first Puras(...)": "from puras import Puras; Puras('puras_live_x.y')",
    "first AsyncPuras(...)": "from puras import AsyncPuras; AsyncPuras('puras_live_x.y')",
    "import httpx2": "import httpx2",
}


def seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - started


def medians(runs: int) -> dict[str, float]:
    """Take the statements in turn, so that a busy moment hits all of them alike."""
    statements = {"": "pass", **STATEMENTS}
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(runs + 1):
        for name, statement in statements.items():
            taken[name].append(seconds(statement))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def main() -> None:
    measured = medians(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    bare = measured.pop("")
    reference = measured["import httpx2"] - bare
    print(f"bare interpreter {bare * 1000:7.1f} ms; beyond it:")
    for name, median in measured.items():
        beyond = median - bare
        print(f"{name:24} {beyond * 1000:7.1f} ms  {beyond / reference:5.2f} × httpx2")


if __name__ == "__main__":
    main()
