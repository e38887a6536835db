"""One attempt at one job, from its row to its outcome: prepare, run, shape.

    deployment → unpacked bundle → environment → process → result

What the skill itself did wrong ends the job; what broke around it is `Lost`, and tried again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.bundles import Bundles
from puras.server.deployments.store import Deployment
from puras.server.drive.signing import Signer
from puras.server.drive.store import Drive
from puras.server.events.writer import EventWriter
from puras.server.fetch import Fetcher
from puras.server.jobs import store as jobs
from puras.server.jobs.inputs import reach_of
from puras.server.jobs.states import Ending
from puras.server.refusals import Refused
from puras.server.secrets import store as secrets
from puras.server.secrets.store import Secrets
from puras.server.secrets.vault import CannotOpen, Vault
from puras.server.settings import Settings
from puras.server.worker import results
from puras.server.worker.children import Children, Parent
from puras.server.worker.environments import EnvironmentBroken, Environments
from puras.server.worker.host import JobHost, Verb
from puras.server.worker.loop import Active
from puras.server.worker.meter import Meter
from puras.server.worker.process.masking import Masker
from puras.server.worker.run_drive import RunDrive
from puras.server.worker.spec import Failed, Lost, Outcome, Runner, RunSpec
from puras.server.worker.trace import Trace
from puras.wire import ManifestSkill


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one attempt works with."""

    deployment: Deployment
    skill: ManifestSkill
    secrets: Secrets
    host: JobHost
    drive: RunDrive
    trace: Trace


@dataclass(frozen=True, slots=True)
class Attempts:
    """What every attempt needs; `perform` runs one."""

    settings: Settings
    clock: Clock
    db: Database
    writer: EventWriter
    bundles: Bundles
    environments: Environments
    runner: Runner
    drive: Drive
    signer: Signer
    vault: Vault
    fetcher: Fetcher
    children: Children

    async def perform(self, active: Active) -> Ending | Lost:
        """Run one claimed job to its outcome."""
        deployment, sealed = await self.db.glance(lambda tx: _facts(tx, active.row))
        skill = deployment.skill(active.row["skill_name"])
        assert skill is not None, "a deployment's manifest never changes"
        run_drive = RunDrive(
            active.row, reach_of(active.row, skill), self.drive, self.signer, self.fetcher
        )
        trace = Trace(self.db, self.clock, active.row)
        active.spans = trace.pending
        host = JobHost(active.row, self.writer, self.clock)
        host.verbs = self._verbs(Parent(active, run_drive, host.emit, trace))
        told: dict[str, Any] = {"status": "stopped"}
        try:
            opened = secrets.open_all(self.vault, *sealed)
            host.masker = trace.masker = Masker(opened.values.values())
            run = _Run(
                deployment=deployment,
                skill=skill,
                secrets=opened,
                host=host,
                drive=run_drive,
                trace=trace,
            )
            outcome = _masked(await self._run(run), host.masker)
            told = _as_attributes(outcome)
            return outcome
        except CannotOpen as error:
            broken = _broken(str(error))
            told = _as_attributes(broken)
            return broken
        finally:
            host.close()
            trace.finish(**told)

    async def _run(self, run: _Run) -> Ending | Lost:
        host = run.host
        try:
            python = await self.environments.ensure(
                run.deployment.requirements,
                host.row["workspace_id"],
                lambda line: host.emit("log", {"level": "info", "message": line}),
            )
        except EnvironmentBroken as broken:
            return _deployment_broken(broken, host)
        outcome = await self._metered(await self._spec(run, python), run)
        return await self._shape(outcome, run)

    async def _metered(self, spec: RunSpec, run: _Run) -> Outcome:
        try:
            async with Meter(self.db, self.settings, self.clock, run.host.row).running():
                with run.trace.function(spec.entrypoint):
                    return await self.runner.run(spec, run.host)
        except Refused as refusal:
            if refusal.code != "cost_limit":
                return Lost(refusal.detail)
            return Failed("cost_limit", refusal.detail, "the run reached its cost limit")

    async def _shape(self, outcome: Outcome, run: _Run) -> Ending | Lost:
        if isinstance(outcome, Lost):
            return outcome
        if isinstance(outcome, Failed):
            return Ending(
                "failed",
                error=outcome.error,
                public_error=outcome.public_error,
                error_code=outcome.error_code,
            )
        return await results.shape(
            run.skill, outcome.result, run_drive=run.drive, masker=run.host.masker
        )

    async def _spec(self, run: _Run, python: Path) -> RunSpec:
        row, deployment, skill = run.host.row, run.deployment, run.skill
        bundle = await self.bundles.unpacked(deployment.id, deployment.sha256)
        return RunSpec(
            job_id=row["id"],
            attempt=row["attempt"],
            workspace_id=row["workspace_id"],
            deployment_id=deployment.id,
            skill_name=skill["name"],
            skill_folder=skill["name"].replace("/", "/subskills/"),
            entrypoint=skill["entrypoint"],
            bundle=bundle,
            python=python,
            inputs=json.loads(row["inputs"]),
            timeout_seconds=skill["timeout_seconds"] or self.settings.run_timeout_seconds,
            memory_bytes=self.settings.run_memory_bytes,
            process=skill["process"],
            environment=run.secrets.values,
            secrets_version=run.secrets.version,
        )

    def _verbs(self, parent: Parent) -> dict[str, Verb]:
        memory, run_drive = Memory(self.db, parent.row), parent.run_drive
        trace = parent.trace

        async def run_child(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
            return await self.children.run(parent, arguments)

        return {
            "drive.sign": run_drive.sign,
            "drive.read": run_drive.read,
            "drive.write": run_drive.write,
            "drive.list": run_drive.list,
            "fetch": run_drive.fetch,
            "span.open": trace.open_step,
            "span.close": trace.close_step,
            "recorded.get": memory.get,
            "recorded.put": memory.put,
            "subagent.run": run_child,
        }


@dataclass(frozen=True, slots=True)
class Memory:
    """What `puras.step(name, fn)` keeps from one attempt to the next.

    Kept apart from the calls that the worker records: a skill must not forge what a child gave it.
    """

    db: Database
    row: Row

    async def get(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`recorded.get {verb, arguments, occurrence}` → `{found, value}`."""
        known = await self.db.read(
            lambda tx: jobs.recall(tx, job_id=self.row["id"], call=_call(arguments))
        )
        if known is None or known[0] != "done":
            return {"found": False, "value": None}
        return {"found": True, "value": known[1]}

    async def put(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`recorded.put {verb, arguments, occurrence, value}` → `{}`."""
        await self.db.write(
            lambda tx: jobs.record(
                tx,
                job_id=self.row["id"],
                attempt=self.row["attempt"],
                call=_call(arguments),
                state="done",
                value=arguments.get("value"),
            )
        )
        return {}


def _call(arguments: dict[str, Any]) -> jobs.CallKey:
    verb, digest, occurrence = (arguments.get(k) for k in ("verb", "arguments", "occurrence"))
    if verb != "step" or not isinstance(digest, str) or type(occurrence) is not int:
        raise Refused("invalid_request", "only steps are kept: call `puras.step(name, fn)`")
    return jobs.CallKey(verb, digest, occurrence)


async def _facts(tx: Transaction, row: Row) -> tuple[Deployment, tuple[str, Sequence[Row]]]:
    """Look up what a run needs: its deployment, and its secrets, still sealed."""
    deployment = await deployments.get(tx, row["deployment_id"])
    assert deployment is not None, "a deployment with unfinished jobs is never deleted"
    return deployment, await secrets.sealed_of(tx, row["skillpack_id"])


def _masked(outcome: Ending | Lost, masker: Masker) -> Ending | Lost:
    """Hide secrets in what is told of a failure; a result is the skill's own to give."""
    if isinstance(outcome, Lost) or outcome.error is None:
        return outcome
    return replace(
        outcome,
        error=masker.text(outcome.error),
        public_error=masker.text(outcome.public_error or ""),
    )


def _as_attributes(outcome: Ending | Lost) -> dict[str, Any]:
    """Return what the run's span tells of its outcome."""
    if isinstance(outcome, Lost):
        return {"status": "lost"}
    told = {"status": outcome.status}
    return told if outcome.error_code is None else {**told, "error_code": outcome.error_code}


def _deployment_broken(broken: EnvironmentBroken, host: JobHost) -> Ending:
    # All of it was told line by line as it came; the last line says how it ended.
    host.emit("log", {"level": "error", "message": broken.log.strip().rpartition("\n")[2]})
    return _broken(
        "the deployment's environment could not be built: read this job's log, mend "
        "requirements.txt and deploy again"
    )


def _broken(error: str) -> Ending:
    return Ending(
        "failed",
        error=error,
        public_error="the deployment of this skill is broken",
        error_code="deployment_broken",
    )
