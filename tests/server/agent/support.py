"""A run of an agentic skill with everything real below it, but without a model: tools by name."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from puras.server.agent.hands import Hands
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.workspace_copy import WorkspaceCopies
from puras.server.clock import new_id
from puras.server.db.database import Row
from puras.server.deployments import store as deployments
from puras.server.deployments.store import Deployment
from puras.server.drive.reach import Reach
from puras.server.events import store as events
from puras.server.events.writer import EventWriter
from puras.server.fetch import Fetcher
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.jobs.claim import claim
from puras.server.jobs.states import NewJob
from puras.server.platform import Platform
from puras.server.secrets.store import Secrets
from puras.server.settings import Settings
from puras.server.worker.children import Parent
from puras.server.worker.host import JobHost
from puras.server.worker.loop import Active
from puras.server.worker.process.masking import Masker
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.recorder import Recorder
from puras.server.worker.run import Ground, Run
from puras.server.worker.run_drive import RunDrive
from puras.server.worker.trace import Trace
from puras.wire import ManifestSkill

from ..support import make_skillpack, make_workspace, manifest_skill


@dataclass
class Bench:
    """One job of an agentic skill, claimed, and what its attempts need."""

    platform: Platform
    runner: FunctionRunner
    workspace_id: str
    job_id: str
    copies: WorkspaceCopies
    extra: dict[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int = 512 * 1024 * 1024
    fetcher: Fetcher | None = None

    @property
    def bundle(self) -> Path:
        return self.platform.settings.home / "bundles" / "one"

    @property
    def settings(self) -> Settings:
        return replace(self.platform.settings, run_memory_bytes=self.memory_bytes)

    def write(self, file: str, text: str) -> None:
        """Put a file into the skill's folder."""
        path = self.bundle / "skill" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[Attempt]:
        """Claim the job and have hands for it, until the block ends."""
        rows, _ = await self.platform.db.write(
            lambda tx: claim(tx, worker_id="w", concurrency=10, most=1, now=1_000)
        )
        writer = EventWriter(self.platform.db, self.platform.hub)
        run = self._run(rows[0], writer)
        ground = Ground(self.bundle, Path(sys.executable))
        async with Hands.at(run, ground, self.runner, self.settings, copies=self.copies) as hands:
            yield Attempt(self, run, hands, writer)

    async def hand_back(self, row: Row) -> None:
        """Queue the job again, as a worker does that stops."""
        await self.platform.db.write(
            lambda tx: jobs.hand_back(
                tx, job_id=row["id"], attempt=row["attempt"], now=2_000, changes=jobs.Changes()
            )
        )

    def _run(self, row: Row, writer: EventWriter) -> Run:
        platform = self.platform
        host = JobHost(row, writer, platform.clock)
        host.masker = Masker(self.secrets.values())
        trace = Trace(platform.db, platform.clock, row)
        drive = RunDrive(
            row,
            Reach(wide=True, job_id=row["id"]),
            platform.drive,
            platform.signer,
            self.fetcher or platform.fetcher,
        )
        active = Active(row)
        return Run(
            active=active,
            deployment=self._deployment(),
            skill=self._skill(),
            secrets=Secrets("1", self.secrets),
            host=host,
            drive=drive,
            trace=trace,
            recorder=Recorder(platform.db, platform.hub, writer, platform.clock, row),
            parent=Parent(active, drive, host.emit, trace),
            verbs={},
        )

    def _skill(self) -> ManifestSkill:
        skill = manifest_skill("skill")
        skill["type"], skill["entrypoint"], skill["extra"] = "agentic", "SKILL.md", self.extra
        return skill

    def _deployment(self) -> Deployment:
        return Deployment(
            id="one",
            skillpack_id="pack",
            workspace_id=self.workspace_id,
            version=1,
            is_active=True,
            size_bytes=1,
            sha256="0" * 64,
            notes=None,
            manifest={"skills": [self._skill()]},
            requirements="",
            created_at=0,
        )


@dataclass
class Attempt:
    """One attempt at the job: its run, its hands, and its tools to be used."""

    bench: Bench
    run: Run
    hands: Hands
    writer: EventWriter
    tools: dict[str, Tool] = field(default_factory=dict)

    def have(self, tools: Iterable[Tool]) -> None:
        self.tools |= {tool.spec.name: tool for tool in tools}

    async def use(self, name: str, **given: Any) -> Reply:
        """Use a tool as the loop does."""
        call_id = new_id()
        key = CallKey(f"tool.{name}", call_id, 1)
        return await self.tools[name].use(ToolUse(call_id, name, given, key))

    async def events(self, type: str) -> list[dict[str, Any]]:
        """Return the payloads of the job's events of a type so far."""
        row = self.run.row
        self.run.host.close()
        await self.writer.drain((row["id"], row["attempt"]))
        page = await self.bench.platform.db.read(
            lambda tx: events.page(tx, job_id=row["id"], after=0, limit=10_000)
        )
        return [json.loads(event.payload) for event in page if event.type == type]

    async def logged(self) -> list[str]:
        return [payload["message"] for payload in await self.events("log")]

    async def hear(self, message: str) -> None:
        """Wait until a line was logged: output comes by its own way, at its own time."""
        async with asyncio.timeout(20):
            while message not in await self.logged():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@asynccontextmanager
async def open_bench(platform: Platform, *, namespaces: bool | None = None) -> AsyncIterator[Bench]:
    home = platform.settings.home
    workspace_id = await make_workspace(platform)
    pack_id = await make_skillpack(platform, workspace_id, "pack", skills=["skill"])
    job_id = await _enqueue(platform, workspace_id, pack_id)
    runner = await FunctionRunner.open(home, namespaces=namespaces)
    copies = WorkspaceCopies(platform.db, platform.storage)
    bench = Bench(platform, runner, workspace_id, job_id, copies)
    bench.write("SKILL.md", "Do what you are asked to.")
    try:
        yield bench
    finally:
        await runner.close()


async def _enqueue(platform: Platform, workspace_id: str, pack_id: str) -> str:
    active = await platform.db.read(lambda tx: deployments.active(tx, pack_id))
    assert active is not None
    job = NewJob(
        id=new_id(),
        workspace_id=workspace_id,
        skillpack_id=pack_id,
        skillpack="pack",
        deployment_id=active.id,
        version=1,
        skill_name="skill",
        type="agentic",
        key_id=None,
        inputs={"prompt": "go"},
        wide_reach=True,
        public_view=False,
    )
    await platform.db.write(lambda tx: jobs.enqueue(tx, job, now=1))
    return job.id
