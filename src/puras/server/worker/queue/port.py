"""The seam between the jobs table, which is the truth, and whatever delivers ids to workers.

Delivery is at least once, and says nothing: a worker that is handed an id still has to claim it.
"""

from __future__ import annotations

from typing import Protocol

from puras.server.db.database import Transaction


class Queue(Protocol):
    """Brings the ids of queued jobs to a worker that has a free place."""

    async def put(self, tx: Transaction, job_id: str) -> None:
        """Make a queued job deliverable, in the transaction that queues it."""

    def wake(self) -> None:
        """Say that something was committed that may be delivered: a job, or a free slot."""

    async def wait(self, timeout: float) -> None:
        """Return when there may be something to claim, after `timeout` seconds at most."""
