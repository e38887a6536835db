"""Nothing lost: what must hold after every storm, looked at from outside and from below.

While the platform still runs, through its API: every log whole, with exactly one end, the same for
all who read it; every job ended as it would have undisturbed; nothing submitted twice or not at
all; the money right to the micro. When it has stopped: no process, no folder, no file too many, and
`puras admin doctor` content.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from puras import Job, JobEvent, Puras
from puras.server import admin
from puras.server.clock import SECOND, now
from puras.server.db.queries import Query
from puras.server.doctor.checks import examine
from puras.server.drive.store import Drive
from puras.server.jobs.states import LEASE, MOST_LOSSES
from puras.server.storage.place import open_storage
from puras.server.worker.process.processes import MARK, data_mark
from puras.wire import TERMINAL_STATUSES

from .clients import Told
from .place import CONCURRENCY, KEY, Place

RECOVERED_SECONDS = LEASE / SECOND + 5
_BUSY_SECONDS = 25.0
"""What a machine that does ten other things may need on top."""
_OF_THE_MACHINE = ("isolation", "disk", "uv", "data folder", "secrets key")


def wait_until_recovered(place: Place) -> float:
    """Wait until every running job has a worker that lives; return how many seconds it took."""
    began = time.monotonic()
    while lost := _without_worker(place):
        waited = time.monotonic() - began
        assert waited < RECOVERED_SECONDS + _BUSY_SECONDS, f"nobody takes up {lost}"
        time.sleep(0.2)
    return time.monotonic() - began


def _without_worker(place: Place) -> list[str]:
    living = {str(member.pid) for member in place.members}
    rows = ask(place, "SELECT id, worker_id FROM jobs WHERE status = 'running'")
    return [row["id"] for row in rows if row["worker_id"].split("-")[-2] not in living]


@dataclass
class Verdict:
    """What was found; `excused` counts jobs that a fault has rightly ended, `left_behind` files
    without a row, which a server would have removed in time."""

    place: Place
    told: Sequence[Told]
    jobs: dict[str, Job] = field(default_factory=dict)
    excused: Counter[str] = field(default_factory=Counter)
    left_behind: int = 0

    def of_the_living(self) -> None:
        """Look through the API, while everything still runs."""
        with Puras(KEY, "faults", api_base=self.place.url) as puras:
            for row in ask(self.place, "SELECT id FROM jobs ORDER BY id"):
                self._judge_log(puras, row["id"])
            for told in self.told:
                self._judge_job(puras, told)
        self._judge_count()
        self._judge_money()

    def of_the_stopped(self) -> None:
        """Look at what is left when all have gone."""
        homes = [self.place.data, *self.place.data.glob("process-*")]
        assert not _marked({data_mark(home) for home in homes}), "processes are left"
        for home in homes:
            assert not _run_folders(home), f"folders of runs are left in {home}"
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.place.environment.items():
                patch.setenv(name, value)
            self.left_behind = asyncio.run(_tidy(self.place))
            checks = asyncio.run(examine(self.place.settings, settled_seconds=-60))
        ours = [check for check in checks if not check.name.startswith(_OF_THE_MACHINE)]
        assert not [check for check in ours if check.state != "ok"]

    def _judge_log(self, puras: Puras, job_id: str) -> None:
        job = self.jobs[job_id] = puras.get(job_id)
        log = list(puras.events(job_id, transport="poll"))
        assert job.status in TERMINAL_STATUSES, f"{job_id} is {job.status}"
        assert [event.id for event in log] == list(range(1, len(log) + 1)), job_id
        ends = [event for event in log if _says_the_end(event)]
        assert ends == [log[-1]], f"{job_id} has {len(ends)} ends"
        assert ends[0].payload["status"] == job.status

    def _judge_job(self, puras: Puras, told: Told) -> None:
        order, job = told.order, self.jobs[told.job_id]
        assert told.ids == {told.job_id}, f"order {order.n} became {told.ids}"
        log = list(puras.events(told.job_id, transport="poll"))
        for number, seen in enumerate(told.logs):
            assert seen == log, f"reader {number} of {told.job_id} saw something else"
        if job.status != order.ends:
            excuse = self._excuse(job)
            assert excuse, f"order {order.n}, {order.skill}: {dict(job)}"
            self.excused[excuse] += 1
        elif job.status == "succeeded":
            assert job.cost_micros == order.costs_micros, dict(job)
            self._judge_lines(told, log)
            if "n" in order.inputs and order.skill != "draw":
                assert job.result is not None
                assert job.result["n"] == order.n

    def _judge_lines(self, told: Told, log: Sequence[JobEvent]) -> None:
        """What the last attempt printed is in the log: every line, once, in order."""
        if told.order.skill != "talk":
            return
        begun = max(event.id for event in log if event.payload.get("status") == "running")
        said = [event.payload["message"] for event in log[begun:] if event.type == "log"]
        n, lines = told.order.n, told.order.inputs["lines"]
        assert said == [f"{n} says {line}" for line in range(lines)], told.job_id

    def _excuse(self, job: Job) -> str | None:
        """Name what has rightly ended a job: it is no fault of the platform's."""
        struck, error = self.place.struck, job.error or ""
        if job.error_code == "worker_lost" and job.attempt >= MOST_LOSSES:
            return "lost three times"
        if (
            struck["run"]
            and job.error_code in {"out_of_memory", "function_error"}
            and ("memory" in error or "SIGKILL" in error)
        ):
            return "its process was killed"
        if struck["disk"] and ("No space left" in error or "Errno 28" in error):
            return "it found the disk full"
        children = [j for j in self.jobs.values() if j.parent_job_id == job.id]
        if any(child.status == "failed" and self._excuse(child) for child in children):
            return "its child was lost"
        return None

    def _judge_count(self) -> None:
        roots = [job.id for job in self.jobs.values() if job.parent_job_id is None]
        assert sorted(roots) == sorted(told.job_id for told in self.told)
        families = [told.job_id for told in self.told if told.order.skill == "family"]
        born = Counter(job.parent_job_id for job in self.jobs.values() if job.parent_job_id)
        assert set(born) <= set(families)
        assert all(count <= 2 for count in born.values()), "a child was started twice"

    def _judge_money(self) -> None:
        paid = sum(job.cost_micros for job in self.jobs.values() if job.status == "succeeded")
        ledger = ask(self.place, "SELECT kind, job_id, amount_micros FROM ledger")
        debits = [row for row in ledger if row["kind"] == "debit"]
        assert len({row["job_id"] for row in debits}) == len(debits), "a job was charged twice"
        assert -sum(row["amount_micros"] for row in debits) == paid
        (wallet,) = ask(self.place, "SELECT SUM(balance_micros) AS micros FROM workspaces")
        assert wallet["micros"] == sum(row["amount_micros"] for row in ledger)
        assert not ask(self.place, "SELECT id FROM holds WHERE state <> 'closed'")


def ask(place: Place, sql: str) -> list[Any]:
    """Ask the database itself, past everything that may be broken."""

    async def look() -> list[Any]:
        async with admin.open_database(place.settings) as db:
            return await db.read(lambda tx: tx.all(Query("ask", sql)))

    return asyncio.run(look())


async def _tidy(place: Place) -> int:
    """Remove what writes that were cut off have left, without waiting until it is old."""
    async with admin.open_database(place.settings) as db:
        drive = Drive(open_storage(place.settings), db=db, clock=now)
        return await drive.tidy(settled_seconds=-60)


def most_seconds_of_work(told: int) -> float:
    """Return how long what is still to be done may take, with room for a busy machine."""
    return 180.0 + 20.0 * told / CONCURRENCY


def _run_folders(home: Path) -> list[Path]:
    """Return what is left of runs: their folders, and files that passed through a worker's hands.

    A stopped worker leaves its root with the link to this package, for the next one to clear.
    """
    root = home / "runs"
    kept = {root / "runtime", root / "calls"}
    left = [path for path in root.iterdir() if path not in kept] if root.exists() else []
    calls = root / "calls"
    return left + (list(calls.iterdir()) if calls.exists() else [])


def _says_the_end(event: JobEvent) -> bool:
    return event.type == "status" and event.payload["status"] in TERMINAL_STATUSES


def _marked(marks: set[str]) -> list[int]:
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and wanted & set(_environment(folder).split(b"\0"))
    ]


def _environment(folder: Path) -> bytes:
    try:
        return (folder / "environ").read_bytes()
    except OSError:
        return b""
