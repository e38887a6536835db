"""Whether a server gets slower as its history grows: calls with 0 and with 200,000 jobs in it.

    python benchmarks/history.py [jobs]

The rows are copies of one job that ran, with its events, put into the database of a stopped server.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from figures import Figure, show, times
from served import Served, deploy, serving, started

CALLS = 300
_ID = "substr(:stem, 1, 24) || printf('%012x', n)"
_NUMBERS = "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < :jobs)"


def measure(jobs: int = 200_000) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="puras-bench-") as folder:
        home = Path(folder)
        with started(home) as served:
            deploy(served)
            empty = answers(served)
        multiply(home / "data" / "puras.db", jobs)
        with serving(home) as served:
            full = answers(served)
    return [
        Figure(
            f"{what}, p50 with {jobs:,} jobs",
            f"{full[what]:.2f} ms",
            f"an empty server ({empty[what]:.2f} ms)",
            times(full[what], empty[what]),
        )
        for what in empty
    ]


def answers(served: Served) -> dict[str, float]:
    """Return the median milliseconds of each call."""
    with httpx2.Client(base_url=served.url, headers=served.headers, timeout=60) as client:
        body = {"skill": "bench/warm", "inputs": {}}
        job = client.post("/v1/jobs?wait=true", json=body).json()["id"]
        return {
            "submit": median(lambda: client.post("/v1/jobs", json=body), client),
            "get": median(lambda: client.get(f"/v1/jobs/{job}"), client),
            "list 50": median(lambda: client.get("/v1/jobs"), client),
            "submit and wait": median(lambda: client.post("/v1/jobs?wait=1", json=body), client),
        }


def median(call: Callable[[], httpx2.Response], client: httpx2.Client) -> float:
    taken = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        answer = call()
        taken.append((time.perf_counter() - begun) * 1000)
        assert answer.is_success, answer.text
    while client.get("/v1/jobs?status=queued").json():  # or the next one waits behind them
        time.sleep(0.1)
    return statistics.median(taken)


def multiply(database: Path, jobs: int) -> None:
    """Copy the newest job and its events so often."""
    with sqlite3.connect(database) as db:
        db.row_factory = sqlite3.Row
        job = db.execute("SELECT * FROM jobs WHERE status = 'succeeded' ORDER BY id").fetchone()
        copy(db, "jobs", "id", job["id"], jobs)
        copy(db, "events", "job_id", job["id"], jobs)
        db.execute("ANALYZE")


def copy(db: sqlite3.Connection, table: str, key: str, of: str, jobs: int) -> None:
    names = [row["name"] for row in db.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(_ID if name == key else f"t.{name}" for name in names)
    parameters: dict[str, Any] = {"stem": of, "jobs": jobs, "of": of}
    db.execute(
        f"{_NUMBERS} INSERT INTO {table} ({', '.join(names)}) "
        f"SELECT {values} FROM many, {table} t WHERE t.{key} = :of",
        parameters,
    )


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
