"""Whether a server gets slower as its history grows: calls with 0 and with 1,000,000 jobs in it.

    python benchmarks/history.py [jobs]

The rows are copies of one job that ran, with its events, put into the database of a stopped server.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from figures import Figure, show, times
from served import Served, deploy, durable_postgres, started

from puras.server.db.placeholders import to_pyformat

CALLS = 300
_NUMBERS = "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < :jobs)"


def measure(jobs: int = 1_000_000) -> list[Figure]:
    with durable_postgres() as url:
        return [*grown(jobs, "SQLite"), *grown(jobs, "PostgreSQL", database=url)]


def grown(jobs: int, name: str, *, database: str | None = None) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="puras-bench-") as folder:
        home = Path(folder)
        with started(home, database=database) as served:
            deploy(served)
            empty = answers(served)
        with opened(database or home / "data" / "puras.db") as store:
            multiply(store, jobs)
        with started(home, database=database) as served:
            full = answers(served)
    return [
        Figure(
            f"{name}: {what}, p50 with {jobs:,} jobs",
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


@dataclass(frozen=True)
class Store:
    """An open database: how to run a statement with values named `:so`, and what it has of its own.

    `digits` writes the number `n` as twelve hexadecimal digits; `settle` is what its upkeep does in
    time: without it the first calls would pay for all that was put in.
    """

    run: Callable[[str, dict[str, Any]], Any]
    digits: str
    settle: str


@contextmanager
def opened(database: Path | str) -> Iterator[Store]:
    """Open a file of SQLite, or what the URL of a PostgreSQL database leads to."""
    if isinstance(database, Path):
        with closing(sqlite3.connect(database, isolation_level=None)) as file:
            yield Store(file.execute, "printf('%012x', n)", "ANALYZE")
        return
    with psycopg.connect(database, autocommit=True) as connection:
        yield Store(
            lambda statement, values: connection.execute(to_pyformat(statement).encode(), values),
            "lpad(to_hex(n), 12, '0')",
            "VACUUM ANALYZE",
        )


def multiply(store: Store, jobs: int) -> None:
    """Copy a job that ran, and its events, so often."""
    found = store.run("SELECT min(id) FROM jobs WHERE status = 'succeeded'", {})
    (job,) = found.fetchone()
    copy(store, "jobs", "id", job, jobs)
    copy(store, "events", "job_id", job, jobs)
    store.run(store.settle, {})


def copy(store: Store, table: str, key: str, of: str, jobs: int) -> None:
    names = [each[0] for each in store.run(f"SELECT * FROM {table} LIMIT 0", {}).description]
    new_id = f"substr(:stem, 1, 24) || {store.digits}"
    values = ", ".join(new_id if name == key else f"t.{name}" for name in names)
    store.run(
        f"{_NUMBERS} INSERT INTO {table} ({', '.join(names)}) "
        f"SELECT {values} FROM many, {table} t WHERE t.{key} = :of",
        {"stem": of, "jobs": jobs, "of": of},
    )


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
