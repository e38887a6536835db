"""Whether the server is there (`/health`), and whether it can work (`/ready`): no key is needed."""

from __future__ import annotations

import asyncio
import importlib.metadata

from puras import wire
from puras.server.db.database import Transaction
from puras.server.db.migrate import latest
from puras.server.db.queries import Query
from puras.server.endpoint import Call, Reply, Routes
from puras.server.refusals import Refused

routes = Routes("health")

_SCHEMA_VERSION = Query(
    "schema_version",
    "SELECT user_version AS version FROM pragma_user_version",
    overrides=(("postgres", "SELECT version FROM schema_version"),),
)
_ANSWER_SECONDS = 2.0
_HEALTH: wire.Health = {
    "ok": True,
    "service": "puras",
    "version": importlib.metadata.version("puras"),
}


@routes.get("/health", needs=None, returns=wire.Health)
async def health(call: Call) -> Reply:
    """Say that the server is there, and which version it is."""
    return Reply(_HEALTH)


@routes.get("/", needs=None, returns=wire.Health)
async def root(call: Call) -> Reply:
    """Say the same at `/`; a browser gets the dashboard there."""
    return Reply(_HEALTH)


@routes.get("/ready", needs=None, returns=wire.Health, codes=("not_ready",))
async def ready(call: Call) -> Reply:
    """Say whether the database answers and has all that this version needs of its schema.

    A newer schema has it: while a new version takes the old one's place, both are at work.
    """
    database = call.platform.db
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            version = await database.read(_schema_version)
    except Exception as error:
        raise Refused(
            "not_ready", "the database does not answer: try again", retry_after=2
        ) from error
    if version < latest(database.dialect):
        raise Refused("not_ready", "the database's schema is not current: restart the server")
    return Reply(_HEALTH)


async def _schema_version(tx: Transaction) -> int:
    row = await tx.one(_SCHEMA_VERSION)
    return int(row["version"]) if row else 0
