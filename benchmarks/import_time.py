"""How long the client takes to import and how large it installs, beside the clients of others.

    python benchmarks/import_time.py [runs]

Every package is installed into an environment of its own. Times are medians beyond a bare
interpreter's start, in fresh interpreters, taken in turn. Sizes are of everything that was
installed with it, without pip and setuptools.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from environments import python_with
from figures import Figure, show, times

ROOT = Path(__file__).parents[1]
OTHERS = ("openai", "replicate", "gradio_client")
STATEMENTS = {
    "import puras": "import puras",
    "from puras import Puras": "from puras import Puras",
    "the first Puras(...)": "from puras import Puras; Puras('puras_live_x.y')",
    "the first AsyncPuras(...)": "from puras import AsyncPuras; AsyncPuras('puras_live_x.y')",
}


def measure(runs: int = 20) -> list[Figure]:
    puras = python_with(str(ROOT))
    pythons = {name: python_with(name) for name in OTHERS}
    commands = {name: (puras, statement) for name, statement in STATEMENTS.items()}
    commands |= {f"import {name}": (python, f"import {name}") for name, python in pythons.items()}
    taken = medians(commands, bare=puras, runs=runs)
    lightest = min(taken[f"import {name}"] for name in OTHERS)
    sizes = {name: installed_bytes(python) for name, python in pythons.items()}
    return [
        *[
            Figure(f"`{name}`", f"{seconds * 1000:.0f} ms", *beside(name, seconds, lightest))
            for name, seconds in taken.items()
        ],
        Figure(
            "installed, puras",
            megabytes(mine := installed_bytes(puras)),
            "the smallest of the others",
            times(mine, min(sizes.values())),
        ),
        *[Figure(f"installed, {name}", megabytes(size)) for name, size in sizes.items()],
    ]


def beside(name: str, seconds: float, lightest: float) -> tuple[str, ...]:
    return ("the quickest of the others", times(seconds, lightest)) if "uras" in name else ()


def medians(commands: dict[str, tuple[Path, str]], *, bare: Path, runs: int) -> dict[str, float]:
    """Take the statements in turn, so that a busy moment hits all of them alike."""
    everything = {"": (bare, "pass"), **commands}
    taken: dict[str, list[float]] = {name: [] for name in everything}
    for _ in range(runs + 1):
        for name, (python, statement) in everything.items():
            taken[name].append(seconds_of(python, statement))
    found = {name: statistics.median(times[1:]) for name, times in taken.items()}
    start = found.pop("")
    return {name: seconds - start for name, seconds in found.items()}


def seconds_of(python: Path, statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([python, "-c", statement], check=True)
    return time.perf_counter() - started


def installed_bytes(python: Path) -> int:
    packages = next(python.parents[1].glob("lib/python*/site-packages"))
    of_venv = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
    return sum(
        path.stat().st_size
        for path in packages.rglob("*")
        if path.is_file() and path.relative_to(packages).parts[0].split("-")[0] not in of_venv
    )


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
