"""One attempt at one job, from its row to its outcome: prepare, run, shape.

    deployment → unpacked bundle → environment → process → result

What the skill itself did wrong ends the job; what broke around it is `Lost`, and tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.bundles import Bundles
from puras.server.deployments.store import Deployment
from puras.server.drive.signing import Signer
from puras.server.drive.store import Drive
from puras.server.events.hub import Hub
from puras.server.events.writer import EventWriter
from puras.server.fetch import Fetcher
from puras.server.jobs.inline import skill_of
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
from puras.server.worker.kept_steps import KeptSteps
from puras.server.worker.loop import Active, Concluded
from puras.server.worker.meter import Meter
from puras.server.worker.process.masking import Masker
from puras.server.worker.recorder import Recorder
from puras.server.worker.run import Grading, Ground, Performer, Run
from puras.server.worker.run_drive import RunDrive
from puras.server.worker.spec import Failed, Lost, Outcome, Parked
from puras.server.worker.time_limit import Asking
from puras.server.worker.trace import Trace

MoreVerbs: TypeAlias = Callable[[Run], Mapping[str, Verb]]
"""Gives the calls that a part of the server adds for a run."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What every attempt needs; `perform` runs one. `performers` has one for each kind of skill,
    `grading` judges results, `more_verbs` has what helpers may call beside the drive, children and
    steps."""

    settings: Settings
    clock: Clock
    db: Database
    hub: Hub
    writer: EventWriter
    bundles: Bundles
    environments: Environments
    performers: Mapping[str, Performer]
    drive: Drive
    signer: Signer
    vault: Vault
    fetcher: Fetcher
    children: Children
    grading: Grading | None = None
    more_verbs: Sequence[MoreVerbs] = ()

    async def perform(self, active: Active) -> Concluded:
        """Run one claimed job to its outcome."""
        row = active.row
        deployment, sealed = await self.db.glance(lambda tx: _facts(tx, row))
        trace = Trace(self.db, self.clock, row)
        active.spans = trace.pending
        host = JobHost(row, self.writer, self.clock)
        told: dict[str, Any] = {"status": "stopped"}
        try:
            opened = secrets.open_all(self.vault, *sealed)
            host.masker = trace.masker = Masker(opened.values.values())
            run = self._furnish(active, deployment, opened, host=host, trace=trace)
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

    def _furnish(
        self,
        active: Active,
        deployment: Deployment,
        opened: Secrets,
        *,
        host: JobHost,
        trace: Trace,
    ) -> Run:
        """Put together what the run reaches."""
        row = active.row
        skill = skill_of(row, deployment)
        drive = RunDrive(row, reach_of(row, skill), self.drive, self.signer, self.fetcher)
        verbs: dict[str, Verb] = {}
        run = Run(
            active=active,
            deployment=deployment,
            skill=skill,
            secrets=opened,
            host=host,
            drive=drive,
            trace=trace,
            recorder=self._recorder(row),
            parent=Parent(active, drive, host, trace),
            verbs=verbs,
            stood_still=Asking(self.db, self.clock, row["id"], since=self.clock()),
        )
        verbs |= self._verbs(run)
        host.verbs = verbs
        return run

    def _recorder(self, row: Row) -> Recorder:
        return Recorder(
            self.db,
            self.hub,
            self.writer,
            self.clock,
            row,
            run_limit_micros=self.settings.run_limit_micros,
        )

    async def _run(self, run: Run) -> Concluded:
        host = run.host
        try:
            python = await self.environments.ensure(
                run.deployment.requirements,
                host.row["workspace_id"],
                lambda line: host.emit("log", {"level": "info", "message": line}),
            )
        except EnvironmentBroken as broken:
            return _deployment_broken(broken, host)
        deployment = run.deployment
        bundle = await self.bundles.unpacked(deployment.id, deployment.sha256)
        ground = Ground(bundle, python)
        outcome = await self._metered(run, ground)
        return await self._graded(run, ground, await self._shape(outcome, run))

    async def _metered(self, run: Run, ground: Ground) -> Outcome:
        try:
            async with Meter(self.db, self.settings, self.clock, run.row).running():
                performer = self.performers[run.skill["type"]]
                return await run.host.spending.bound(performer.perform(run, ground))
        except Refused as refusal:
            if refusal.code != "cost_limit":
                return Lost(refusal.detail)
            return Failed("cost_limit", refusal.detail, "the run reached its cost limit")

    async def _shape(self, outcome: Outcome, run: Run) -> Concluded:
        if isinstance(outcome, Lost):
            return outcome
        if isinstance(outcome, Parked):
            return _masked_asks(outcome, run.host.masker)
        if isinstance(outcome, Failed):
            if run.host.let_down_by is not None:
                return Lost(f"a call of the run was not answered: {run.host.let_down_by}")
            return Ending(
                "failed",
                error=outcome.error,
                public_error=outcome.public_error,
                error_code=outcome.error_code,
            )
        return await results.shape(
            run.skill, outcome.result, run_drive=run.drive, masker=run.host.masker
        )

    async def _graded(self, run: Run, ground: Ground, outcome: Concluded) -> Concluded:
        """Judge a result by the skill's evals; one that nothing is left to judge with stays so."""
        grading = self.grading
        succeeded = isinstance(outcome, Ending) and outcome.status == "succeeded"
        if grading is None or not succeeded or not grading.applies(run):
            return outcome
        assert isinstance(outcome, Ending)
        try:
            async with Meter(self.db, self.settings, self.clock, run.row).running():
                return await grading.grade(run, ground, outcome)
        except Refused as refusal:
            if refusal.code != "cost_limit":
                return Lost(refusal.detail)
            told = {"level": "warning", "message": f"the result was not judged: {refusal.detail}"}
            run.host.emit("log", told)
            return outcome

    def _verbs(self, run: Run) -> dict[str, Verb]:
        steps, drive, trace = KeptSteps(self.db, run.row), run.drive, run.trace

        async def run_child(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
            return await self.children.run(run.parent, arguments)

        verbs: dict[str, Verb] = {
            "drive.sign": drive.sign,
            "drive.read": drive.read,
            "drive.write": drive.write,
            "drive.list": drive.list,
            "fetch": drive.fetch,
            "span.open": trace.open_step,
            "span.close": trace.close_step,
            "recorded.get": steps.get,
            "recorded.put": steps.put,
            "subagent.run": run_child,
        }
        for more in self.more_verbs:
            verbs |= more(run)
        return verbs


async def _facts(tx: Transaction, row: Row) -> tuple[Deployment, tuple[str, Sequence[Row]]]:
    """Look up what a run needs: its deployment, and its secrets, still sealed."""
    deployment = await deployments.get(tx, row["deployment_id"])
    assert deployment is not None, "a deployment with unfinished jobs is never deleted"
    return deployment, await secrets.sealed_of(tx, row["skillpack_id"])


def _masked(outcome: Concluded, masker: Masker) -> Concluded:
    """Hide secrets in what is told of a failure; a result is the skill's own to give."""
    if isinstance(outcome, Lost | Parked) or outcome.error is None:
        return outcome
    return replace(
        outcome,
        error=masker.text(outcome.error),
        public_error=masker.text(outcome.public_error or ""),
    )


def _masked_asks(parked: Parked, masker: Masker) -> Parked:
    """Hide secrets in what people are asked; the run itself keeps what its tools get."""
    return Parked([replace(ask, tool_input=masker.value(ask.tool_input)) for ask in parked.asks])


def _as_attributes(outcome: Concluded) -> dict[str, Any]:
    """Return what the run's span tells of its outcome."""
    if isinstance(outcome, Lost):
        return {"status": "lost"}
    if isinstance(outcome, Parked):
        return {"status": "parked"}
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
