"""Settles what people were asked and did not answer in time: that counts as a no.

Looked at each second by every process that runs jobs; whichever comes first settles it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from puras.server.approvals import store as approvals
from puras.server.approvals.store import Decision
from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.jobs.store import Changes

_LOOK_SECONDS = 1.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Expiry:
    """`announce` tells of committed changes."""

    db: Database
    clock: Clock
    announce: Callable[[Changes], None]

    async def keep(self) -> None:
        """Look for ever; a database that fails is asked again."""
        while True:
            try:
                await self.look()
            except Exception:
                _log.exception("approvals_not_expired")
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Settle what is due now."""
        for approval in await self.db.glance(lambda tx: approvals.due(tx, now=self.clock())):
            await self._expire(approval)

    async def _expire(self, approval: Row) -> None:
        async def effect(tx: Transaction) -> Changes:
            changes = Changes()
            await approvals.decide(
                tx, approval, Decision("expired"), now=self.clock(), changes=changes
            )
            return changes

        self.announce(await self.db.write(effect))
