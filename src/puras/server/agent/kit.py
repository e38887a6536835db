"""Gathers the tools of a run from every part of the server that has some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from puras.server.agent.toolbox import Tool
from puras.server.worker.run import Ground, Run


@dataclass(frozen=True, slots=True)
class Kit:
    """What tools are made of; `open` gives those of one run and closes what they hold."""

    @asynccontextmanager
    async def open(self, run: Run, ground: Ground) -> AsyncIterator[Sequence[Tool]]:
        yield []
