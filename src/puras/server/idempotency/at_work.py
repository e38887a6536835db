"""Holds a request's Idempotency-Key while it works outside of any transaction.

    async with at_work(platform, ticket) as kept:
        if kept is not None:
            return replayed(await the_thing(kept.resource_id), kept)
        ... works; the transaction that makes the thing calls `store.finish` ...

A request that fails lets go of its key. One whose server dies can't, but neither does it go on
saying that it is at work, and a repeat takes its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from puras.server.clock import SECOND
from puras.server.idempotency import store
from puras.server.idempotency.store import HOLD, Kept, Ticket
from puras.server.platform import Platform

_log = structlog.get_logger()


@asynccontextmanager
async def at_work(
    platform: Platform, ticket: Ticket | None, *, renew_seconds: float = HOLD / SECOND / 3
) -> AsyncIterator[Kept | None]:
    """Enter with what an earlier request made, or with None: then the work is this one's.

    Raises:
        Refused: `idempotency_in_progress` while an earlier one is at work, and
            `idempotency_mismatch` for another request under its key.
    """
    if ticket is None:
        yield None
        return
    kept = await platform.db.write(lambda tx: store.begin(tx, ticket, now=platform.clock()))
    if kept is not None:
        yield kept
        return
    holding = asyncio.create_task(_hold(platform, ticket, renew_seconds))
    try:
        yield None
    except BaseException:
        await platform.db.write(lambda tx: store.abandon(tx, ticket))
        raise
    finally:
        holding.cancel()


async def _hold(platform: Platform, ticket: Ticket, renew_seconds: float) -> None:
    is_held = True
    while is_held:
        await asyncio.sleep(renew_seconds)
        try:
            is_held = await platform.db.write(
                lambda tx: store.hold(tx, ticket, now=platform.clock())
            )
        except Exception:
            _log.exception("idempotency_hold_not_renewed")
