"""Performs a function skill: a process of its own, metered, and its answer as it came."""

from __future__ import annotations

import json
from dataclasses import dataclass

from puras.server.settings import Settings
from puras.server.worker.run import Ground, Run, folder_of
from puras.server.worker.spec import Outcome, Runner, RunSpec


@dataclass(frozen=True, slots=True)
class Functions:
    """The performer of function skills."""

    settings: Settings
    runner: Runner

    async def perform(self, run: Run, ground: Ground) -> Outcome:
        spec = self._spec(run, ground)
        with run.trace.function(spec.entrypoint):
            return await self.runner.run(spec, run.host)

    def _spec(self, run: Run, ground: Ground) -> RunSpec:
        row, skill = run.row, run.skill
        return RunSpec(
            job_id=row["id"],
            attempt=row["attempt"],
            workspace_id=row["workspace_id"],
            deployment_id=run.deployment.id,
            skill_name=skill["name"],
            skill_folder=folder_of(skill),
            entrypoint=skill["entrypoint"],
            bundle=ground.bundle,
            python=ground.python,
            inputs=json.loads(row["inputs"]),
            timeout_seconds=skill["timeout_seconds"] or self.settings.run_timeout_seconds,
            memory_bytes=self.settings.run_memory_bytes,
            process=skill["process"],
            environment=run.secrets.values,
            secrets_version=run.secrets.version,
            stood_still=run.stood_still,
        )
