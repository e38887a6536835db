"""Whether a server gets slower as its history grows: calls with 0 and with 1,000,000 jobs in it,
and while it forgets the old ones.

    python benchmarks/history.py [jobs]

The rows are copies of one job that ran, with its events, put into the database of a stopped server,
as if they had ended a week ago.
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
from figures import Figure, milliseconds, show, times
from served import Served, deploy, durable_postgres, started

from puras.server.db.placeholders import to_pyformat

CALLS = 300
SUBMITS = 1_000
NOTHING = {"skill": "bench/warm", "inputs": {}}
_WEEK_MICROS = 7 * 24 * 3600 * 1_000_000
_NUMBERS = "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < :jobs)"


def measure(jobs: int = 1_000_000) -> list[Figure]:
    with durable_postgres() as url:
        return [*grown(jobs, "SQLite"), *grown(jobs, "PostgreSQL", database=url)]


def grown(jobs: int, name: str, *, database: str | None = None) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="puras-bench-") as folder:
        home = Path(folder)
        rows = database or home / "data" / "puras.db"
        with started(home, database=database) as served:
            deploy(served)
            empty = answers(served)
        with opened(rows) as store:
            multiply(store, jobs)
        with started(home, database=database) as served:
            full = answers(served)
        taken, deleted = while_forgetting(home, rows, database)
    return [
        *(
            Figure(
                f"{name}: {what}, p50 with {jobs:,} jobs",
                f"{full[what]:.2f} ms",
                f"an empty server ({empty[what]:.2f} ms)",
                times(full[what], empty[what]),
            )
            for what in empty
        ),
        Figure(
            f"{name}: submit while old jobs are deleted: p50 / p95 / p99",
            milliseconds(taken),
            f"an empty server ({empty['submit']:.2f} ms)",
            times(statistics.median(taken), empty["submit"]),
        ),
        Figure(f"{name}: old jobs deleted meanwhile", f"{deleted:.0f} a second"),
    ]


def answers(served: Served) -> dict[str, float]:
    """Return the median milliseconds of each call."""
    with calling(served) as client:
        job = client.post("/v1/jobs?wait=true", json=NOTHING).json()["id"]
        calls = {
            "submit": lambda: client.post("/v1/jobs", json=NOTHING),
            "get": lambda: client.get(f"/v1/jobs/{job}"),
            "list 50": lambda: client.get("/v1/jobs"),
            "submit and wait": lambda: client.post("/v1/jobs?wait=1", json=NOTHING),
        }
        found = {}
        for what, call in calls.items():
            found[what] = statistics.median(timed(call, CALLS))
            while client.get("/v1/jobs?status=queued").json():  # or the next waits behind them
                time.sleep(0.1)
        return found


def while_forgetting(
    home: Path, rows: Path | str, database: str | None
) -> tuple[list[float], float]:
    """Submit to a server that deletes what is a day old, as it does from its start on.

    Returns the milliseconds of each submit, and how many jobs a second it deleted."""
    with opened(rows) as store:
        before = count_old(store)
    with started(home, database=database, PURAS_RETENTION_DAYS="1") as served:
        begun = time.perf_counter()
        with calling(served) as client:
            taken = timed(lambda: client.post("/v1/jobs", json=NOTHING), SUBMITS)
        with opened(rows) as store:
            deleted = before - count_old(store)
        seconds = time.perf_counter() - begun
    assert 0 < deleted < before, f"{deleted} of {before} were deleted: it was to be under way"
    return taken, deleted / seconds


def calling(served: Served) -> httpx2.Client:
    return httpx2.Client(base_url=served.url, headers=served.headers, timeout=60)


def timed(call: Callable[[], httpx2.Response], count: int) -> list[float]:
    """Return the milliseconds of so many calls."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        answer = call()
        taken.append((time.perf_counter() - begun) * 1000)
        assert answer.is_success, answer.text
    return taken


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


def count_old(store: Store) -> int:
    """Count the copies that are still there."""
    day = int(time.time() * 1_000_000) - _WEEK_MICROS // 7
    found = store.run("SELECT count(*) FROM jobs WHERE finished_at < :day", {"day": day})
    return int(found.fetchone()[0])


def copy(store: Store, table: str, key: str, of: str, jobs: int) -> None:
    names = [each[0] for each in store.run(f"SELECT * FROM {table} LIMIT 0", {}).description]
    new_id = f"substr(:stem, 1, 24) || {store.digits}"
    columns = {
        key: new_id,
        "root_job_id": new_id,
        "finished_at": f"t.finished_at - {_WEEK_MICROS}",
    }
    values = ", ".join(columns.get(name, f"t.{name}") for name in names)
    store.run(
        f"{_NUMBERS} INSERT INTO {table} ({', '.join(names)}) "
        f"SELECT {values} FROM many, {table} t WHERE t.{key} = :of",
        {"stem": of, "jobs": jobs, "of": of},
    )


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    show(measure(*numbers))
