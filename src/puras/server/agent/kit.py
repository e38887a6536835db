"""Gathers the tools of a run from every part of the server that has some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from puras.server.agent.hands import Hands
from puras.server.agent.toolbox import Tool
from puras.server.agent.tools.bash import bash_tools
from puras.server.agent.tools.drive import drive_tools
from puras.server.agent.tools.files import file_tools
from puras.server.agent.tools.media import media_tools
from puras.server.agent.tools.memory import memory_tools, scope_of
from puras.server.agent.tools.own import own_tools
from puras.server.agent.tools.subagents import subagent_tools
from puras.server.agent.tools.todo import Todo, todo_tools
from puras.server.agent.tools.web import web_tools
from puras.server.agent.workspace_copy import WorkspaceCopies
from puras.server.clock import Clock
from puras.server.db.database import Database
from puras.server.memory.digest import digest
from puras.server.settings import Settings
from puras.server.worker.children import Children
from puras.server.worker.media_calls import MediaCalls
from puras.server.worker.run import Ground, Run
from puras.server.worker.spec import Runner


@dataclass(frozen=True, slots=True)
class Kit:
    """What tools are made of; `open` gives those of one run and closes what they hold."""

    settings: Settings
    db: Database
    clock: Clock
    runner: Runner
    copies: WorkspaceCopies
    media: MediaCalls
    children: Children

    @asynccontextmanager
    async def open(self, run: Run, ground: Ground) -> AsyncIterator[Sequence[Tool]]:
        async with Hands.at(run, ground, self.runner, self.settings, copies=self.copies) as hands:
            yield [
                *own_tools(run, hands),
                *bash_tools(run, hands),
                *file_tools(run, hands),
                *web_tools(run, hands),
                *drive_tools(run, hands),
                *todo_tools(run, Todo()),
                *media_tools(run, self.media),
                *await subagent_tools(run, ground, self.children),
                *memory_tools(run, self.db, self.clock),
            ]

    async def remembered(self, run: Run) -> str:
        """Return what earlier runs remembered, as it stands in a prompt."""
        return await self.db.read(lambda tx: digest(tx, scope_of(run.row)))
