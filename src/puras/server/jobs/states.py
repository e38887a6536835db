"""The life of a job, as values: what may follow what, and what a new one is made of.

    queued ──▶ running ──▶ succeeded | failed | cancelled
       ▲          │
       └──────────┘  handed back at shutdown, lost with its worker, or parked: it asks a person

Who reaches a terminal status first wins; the table's CHECK constraints keep the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from puras.server.clock import SECOND, Micros
from puras.wire import JobType

LEASE: Micros = 15 * SECOND
RENEW_SECONDS = 5.0
MOST_LOSSES = 3


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that passed every check at submit.

    wide_reach         whether the run reaches the whole drive of its workspace
    public_view        whether the caller may see the public view only (a skill of others)
    prompt             what a one-off agent is to do; None for a skill
    skill_concurrency  how many runs of its skill there may be at once; None: no limit of its own
    traceparent        the trace that it belongs to, as W3C writes it
    """

    id: str
    workspace_id: str
    skillpack_id: str
    skillpack: str
    deployment_id: str
    version: int
    skill_name: str
    type: JobType
    key_id: str | None
    inputs: dict[str, Any]
    wide_reach: bool
    public_view: bool
    prompt: str | None = None
    source: str | None = None
    parent_job_id: str | None = None
    root_job_id: str | None = None
    depth: int = 0
    skill_concurrency: int | None = None
    traceparent: str | None = None

    @property
    def lane(self) -> str:
        """Whose turn it shares: that of its key, or there of its skill where that has a limit."""
        own = () if self.skill_concurrency is None else (self.skillpack_id, self.skill_name)
        return "/".join((self.key_id or "", *own))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, ready to be stored. `result`, `outputs`, `eval_results` are JSON text;
    `eval_score`, from 0 to 1, is there where evals have judged the result."""

    status: str
    result: str | None = None
    outputs: str | None = None
    error: str | None = None
    public_error: str | None = None
    error_code: str | None = None
    eval_score: float | None = None
    eval_results: str | None = None


def cancelled_ending(by: str) -> Ending:
    error = f"cancelled by {by}"
    return Ending("cancelled", error=error, public_error=error, error_code="cancelled")


def lost_ending(losses: int) -> Ending:
    error = f"the worker that ran this job was lost {losses} times; submit it again"
    return Ending("failed", error=error, public_error=error, error_code="worker_lost")
