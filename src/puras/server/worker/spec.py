"""The seam between the worker, which knows jobs, and the runner, which knows processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from puras.server.approvals.ask import Ask
from puras.server.worker.time_limit import StoodStill, never


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One attempt at one job, with all that a process needs to run it.

    bundle         the deployment's unpacked folder, read-only
    python         the interpreter of the deployment's environment
    entrypoint     `<file>.py:<function>`, relative to the skill's folder
    skill_folder   the skill's folder, relative to the bundle
    environment    extra environment variables (secrets)
    stood_still    the seconds that `timeout_seconds` do not count
    secrets_version  changes when a secret does, so that no zygote outlives one
    any_result     the function may return any JSON value, and not an object alone
    """

    job_id: str
    attempt: int
    workspace_id: str
    deployment_id: str
    skill_name: str
    skill_folder: str
    entrypoint: str
    bundle: Path
    python: Path
    inputs: Mapping[str, Any]
    timeout_seconds: float
    memory_bytes: int
    process: Literal["fresh", "warm"] = "fresh"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets_version: str = ""
    stood_still: StoodStill = field(default=never, repr=False, compare=False)
    any_result: bool = False


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The function returned; `result` is what it returned, decoded from JSON and unchecked."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The run is over and will not be tried again.

    `error` is the whole sentence, `public_error` what a publishable key may read: our own words,
    or the text of a `puras.UserError`.
    """

    error_code: str
    error: str
    public_error: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The process went away with its parent, through no fault of the skill: try again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Parked:
    """The run can't go on until people have answered: its next attempt finds what they said."""

    asks: Sequence[Ask]


Outcome = Succeeded | Failed | Lost | Parked


class RunHost(Protocol):
    """What a running skill can reach of its worker."""

    def emit(
        self, type: str, payload: dict[str, Any], *, public: dict[str, Any] | None = None
    ) -> None:
        """Add an event to the job's log; `public` where publishable keys see other words."""

    async def call(self, verb: str, arguments: dict[str, Any], run_folder: Path) -> Any:
        """Answer one call of the in-skill helpers (`drive.write`, `subagent.run`, …).

        Raises Refused with a code and a sentence for the skill. Files pass by name: a relative
        path inside of `run_folder`.
        """


class Runner(Protocol):
    """Runs functions in processes of their own."""

    async def run(self, spec: RunSpec, host: RunHost) -> Outcome:
        """Run to the end. Cancelling this coroutine kills the run's processes."""

    async def kill(self, job_id: str) -> None:
        """Kill every process of a job's run and return when they are dead; unknown: nothing."""

    async def close(self) -> None:
        """Kill everything that was started."""
