"""Gathers the tools of a run from every part of the server that has some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from puras.server.agent.toolbox import Tool
from puras.server.agent.tools.media import media_tools
from puras.server.agent.tools.memory import memory_tools, scope_of
from puras.server.agent.tools.subagents import subagent_tools
from puras.server.clock import Clock
from puras.server.db.database import Database
from puras.server.memory.digest import digest
from puras.server.worker.children import Children
from puras.server.worker.media_calls import MediaCalls
from puras.server.worker.run import Ground, Run


@dataclass(frozen=True, slots=True)
class Kit:
    """What tools are made of; `open` gives those of one run and closes what they hold."""

    db: Database
    clock: Clock
    media: MediaCalls
    children: Children

    @asynccontextmanager
    async def open(self, run: Run, ground: Ground) -> AsyncIterator[Sequence[Tool]]:
        yield [
            *media_tools(run, self.media),
            *await subagent_tools(run, ground, self.children),
            *memory_tools(run, self.db, self.clock),
        ]

    async def remembered(self, run: Run) -> str:
        """Return what earlier runs remembered, as it stands in a prompt."""
        return await self.db.read(lambda tx: digest(tx, scope_of(run.row)))
