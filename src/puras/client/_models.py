"""Jobs and events as the SDK returns them: dicts whose known fields are attributes too.

Fields that this version does not know ride along, in the dict and as attributes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, TypeAlias

from puras import wire


class _Record(dict[str, Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            kind = type(self).__name__
            raise AttributeError(f"this {kind} has no field {name!r}") from None


class Job(_Record):
    """A job as the server last told it.

    `job["status"]` and `job.status` are the same; `result` is the skill's output once the status
    is `succeeded`. A field that the server did not send raises `KeyError` or `AttributeError`.
    """

    __slots__ = ()

    id: str
    status: wire.JobStatus
    result: dict[str, Any] | None
    error: str | None
    error_code: wire.JobErrorCode | None
    skill_name: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    workspace_id: str
    skillpack_id: str
    skillpack: str
    deployment_id: str
    version: int
    parent_job_id: str | None
    type: wire.JobType
    inputs: dict[str, Any]
    outputs: list[wire.OutputFile]
    cost_micros: int
    steps: int
    usage: wire.Usage
    source: str | None
    key_id: str | None
    attempt: int
    draft: bool
    eval_score: float | None
    eval_results: list[dict[str, Any]] | None


class JobEvent(_Record):
    """One entry of a job's log. Ids count up within the job; the set of types is open."""

    __slots__ = ()

    id: int
    job_id: str
    ts: str
    type: str
    payload: dict[str, Any]


AsyncEvents: TypeAlias = AsyncGenerator[JobEvent, None]
Events: TypeAlias = Generator[JobEvent, None, None]


def is_over(job: Job) -> bool:
    """Tell whether a job has reached a status that never changes."""
    return job.get("status") in wire.TERMINAL_STATUSES


def ends_job(event: JobEvent) -> bool:
    """Tell whether an event is its job's last: a `status` event with a terminal status."""
    payload = event.get("payload")
    return (
        event.get("type") == "status"
        and isinstance(payload, dict)
        and payload.get("status") in wire.TERMINAL_STATUSES
    )
