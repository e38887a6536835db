"""What a process that runs jobs is made of, beside what it shares with one that only serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol, TypeAlias

from puras.server import clock
from puras.server.agent.instructions import instructions_of
from puras.server.agent.kit import Kit
from puras.server.agent.models.port import Models
from puras.server.agent.perform import Agents
from puras.server.agent.workspace_copy import WorkspaceCopies
from puras.server.approvals import store as approvals
from puras.server.approvals.ask import Answers
from puras.server.beside import beside
from puras.server.evals.checks import Checks
from puras.server.evals.dataset import Datasets
from puras.server.evals.grading import EvalGrading
from puras.server.evals.judge import Judge
from puras.server.events.writer import EventWriter
from puras.server.home import incoming
from puras.server.jobs.store import Changes
from puras.server.media.opening import open_studio
from puras.server.platform import Platform
from puras.server.settings import Settings
from puras.server.worker.attempt import Attempts
from puras.server.worker.children import Children
from puras.server.worker.environments import Environments
from puras.server.worker.functions import Functions
from puras.server.worker.loop import Worker
from puras.server.worker.media_calls import MediaCalls
from puras.server.worker.preparing import Preparations
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.run import Run
from puras.server.worker.unneeded import remove_unneeded_daily


class OpenedModels(Models, Protocol):
    """Models, and the slug for skills that name none."""

    @property
    def default(self) -> str: ...


OpenModels: TypeAlias = Callable[
    [Settings, Mapping[str, str]], AbstractAsyncContextManager[OpenedModels]
]
"""Opens the models of a server with its settings and the environment that has the keys."""


async def open_worker(platform: Platform, stack: AsyncExitStack, models: OpenModels) -> Worker:
    """Put together what runs jobs; `stack` takes it apart again."""
    settings, db, hub = platform.settings, platform.db, platform.hub
    writer = EventWriter(db, hub)

    def announce(changes: Changes) -> None:
        worker.announce(changes)

    children = Children(db, hub, clock.now, platform.bundles, announce)
    studio = open_studio(settings, os.environ, fetcher=platform.fetcher)
    media = MediaCalls(studio, incoming(settings.home))
    runner = await FunctionRunner.open(
        settings.home, network=settings.skill_network == "all", disk_bytes=settings.run_disk_bytes
    )
    stack.push_async_callback(runner.close)
    environments = Environments(settings.home / "environments", home=settings.home)
    stack.push_async_callback(environments.close)
    preparations = Preparations(db, environments)
    stack.push_async_callback(preparations.close)
    removing = remove_unneeded_daily(db, platform.bundles, environments)
    beside(stack, removing, name="puras-remove-unneeded")
    copies = WorkspaceCopies(db, platform.storage)
    kit = Kit(settings, db, clock.now, runner, copies, media, children)
    agents = await _agents(stack, platform, kit, models)
    attempts = Attempts(
        settings=settings,
        clock=clock.now,
        db=db,
        hub=hub,
        writer=writer,
        bundles=platform.bundles,
        environments=environments,
        performers={
            "function": Functions(settings, runner),
            "agentic": agents,
        },
        drive=platform.drive,
        signer=platform.signer,
        vault=platform.vault,
        fetcher=platform.fetcher,
        children=children,
        more_verbs=[media.verbs],
        grading=EvalGrading(
            Datasets(), Checks(settings, runner), Judge(agents.models, agents.default_model)
        ),
    )
    worker = Worker(
        db=db,
        hub=hub,
        queue=platform.queue,
        writer=writer,
        clock=clock.now,
        concurrency=settings.concurrency,
        workspace_concurrency=settings.workspace_concurrency,
        perform=attempts.perform,
        prepare=preparations.begin,
        clear=copies.forget,
        approval_timeout=int(settings.approval_seconds * clock.SECOND),
    )
    return worker


async def _agents(
    stack: AsyncExitStack, platform: Platform, kit: Kit, open_models: OpenModels
) -> Agents:
    models = await stack.enter_async_context(open_models(platform.settings, os.environ))

    async def decisions(run: Run) -> Answers:
        return await platform.db.read(lambda tx: approvals.decided(tx, run.row["id"]))

    return Agents(
        models=models,
        default_model=models.default,
        tools=kit.open,
        instructions=instructions_of,
        memories=kit.remembered,
        decisions=decisions,
    )
