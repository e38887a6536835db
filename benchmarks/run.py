"""Runs every benchmark and writes its figures into README.md, between the marks of its name.

python benchmarks/run.py [name ...]
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from figures import Figure

HERE = Path(__file__).parent
README = HERE / "README.md"
NAMES = ("jobs", "cost", "streams", "history", "idle", "import_time", "js_clients")


def main() -> None:
    names = sys.argv[1:] or NAMES
    for name in names:
        print(f"{name} …", flush=True)
        done = subprocess.run(
            [sys.executable, HERE / f"{name}.py", "--json"], check=True, stdout=subprocess.PIPE
        )
        figures = [Figure(**each) for each in json.loads(done.stdout)]
        write(name, f"{table(figures)}\n\n{machine()}")
    print(f"wrote {README}")


def table(figures: list[Figure]) -> str:
    rows = [f"| {each.what} | {each.measured} | {each.compared()} |" for each in figures]
    return "\n".join(["| | measured | in the same minute |", "|---|---|---|", *rows])


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    one, five, _ = os.getloadavg()
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({processor()}), "
        f"{memory:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}, "
        f"uvicorn {version('uvicorn')}. Load when it was done: {one:.1f}, five minutes {five:.1f}."
    )


def processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def write(name: str, text: str) -> None:
    page = README.read_text("utf-8")
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- \. -->)", re.DOTALL)
    assert place.search(page), f"README.md has no place for {name}"
    README.write_text(place.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page), "utf-8")


if __name__ == "__main__":
    main()
