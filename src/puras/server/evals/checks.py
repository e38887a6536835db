"""The grader `check`: a Python function of the bundle, run like a skill in a process of its own.

It is called `func(inputs=…, result=…, expected=…)` and returns True or False, a number from 0 to 1,
or `{score, reason}`. It may read the drive as the run could; it changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puras.bundle.graders import Grader
from puras.server.evals.graded import Finding
from puras.server.refusals import Refused
from puras.server.settings import Settings
from puras.server.worker.host import JobHost
from puras.server.worker.run import Ground, Run, folder_of
from puras.server.worker.spec import Failed, Lost, Runner, RunSpec, Succeeded

CHECK_SECONDS = 60.0
_MAY_CALL = frozenset({"drive.read", "drive.sign", "drive.list", "fetch"})
_RETURNS = "a check returns True or False, a number from 0 to 1, or {score, reason}"


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs the functions of checks."""

    settings: Settings
    runner: Runner

    async def check(
        self, grader: Grader, run: Run, ground: Ground, arguments: Mapping[str, Any]
    ) -> Finding | Lost:
        """Ask a check about a result. Lost: the process went away, through no fault of its own."""
        spec = self._spec(grader, run, ground, arguments)
        outcome = await self.runner.run(spec, _ReadingHost(run.host))
        if isinstance(outcome, Succeeded):
            return finding_of(outcome.result)
        if isinstance(outcome, Failed):
            return Finding(None, error=f"the check failed: {outcome.error}")
        return outcome if isinstance(outcome, Lost) else Finding(None, error="it asked a person")

    def _spec(
        self, grader: Grader, run: Run, ground: Ground, arguments: Mapping[str, Any]
    ) -> RunSpec:
        row, skill = run.row, run.skill
        return RunSpec(
            job_id=row["id"],
            attempt=row["attempt"],
            workspace_id=row["workspace_id"],
            deployment_id=run.deployment.id,
            skill_name=skill["name"],
            skill_folder=folder_of(skill),
            entrypoint=grader.entrypoint,
            bundle=ground.bundle,
            python=ground.python,
            inputs=arguments,
            timeout_seconds=min(CHECK_SECONDS, self.settings.run_timeout_seconds),
            memory_bytes=self.settings.run_memory_bytes,
            environment=run.secrets.values,
            secrets_version=run.secrets.version,
            any_result=True,
        )


@dataclass(frozen=True, slots=True)
class _ReadingHost:
    """What a check reaches: the job's log, and the drive to read."""

    host: JobHost

    def emit(
        self, type: str, payload: dict[str, Any], *, public: dict[str, Any] | None = None
    ) -> None:
        if type == "log":
            self.host.emit(type, payload, public=public)

    async def call(self, verb: str, arguments: dict[str, Any], run_folder: Path) -> Any:
        if verb not in _MAY_CALL:
            raise Refused("invalid_request", f"a check only reads: it can't call `{verb}`")
        return await self.host.call(verb, arguments, run_folder)


def finding_of(returned: Any) -> Finding:
    """Read what a check returned."""
    score, reason = returned, ""
    if isinstance(returned, dict):
        score, reason = returned.get("score"), returned.get("reason") or ""
    if isinstance(score, bool):
        score = float(score)
    is_number = isinstance(score, (int, float)) and math.isfinite(score)
    if not is_number or not 0 <= score <= 1 or not isinstance(reason, str):
        return Finding(None, error=f"{_RETURNS}, and this returned {str(returned)[:200]}")
    return Finding(float(score), reason[:2000])
