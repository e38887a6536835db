"""Removes from this machine what is left of deployments that were deleted: unpacked folders, and
the environments, locks and build caches that no other deployment needs.

The server that deletes a deployment can't reach the disks of the others, so each worker looks by
itself. What is there is listed before the rows are read: what is made meanwhile is not in question.
"""

from __future__ import annotations

import asyncio

import structlog

from puras.server.db.database import Database
from puras.server.deployments import store as deployments
from puras.server.deployments.bundles import Bundles
from puras.server.worker.environments import Environments

_log = structlog.get_logger()
_DAY_SECONDS = 86_400.0
_FIRST_SECONDS = 600.0
"""A server that starts has better things to do."""


async def remove_unneeded_daily(db: Database, bundles: Bundles, environments: Environments) -> None:
    """Look once a day, for ever."""
    await asyncio.sleep(_FIRST_SECONDS)
    while True:
        try:
            if removed := await remove_unneeded(db, bundles, environments):
                _log.info("unneeded_files_removed", count=removed)
        except Exception:
            _log.exception("unneeded_files_not_removed")
        await asyncio.sleep(_DAY_SECONDS)


async def remove_unneeded(db: Database, bundles: Bundles, environments: Environments) -> int:
    """Look once; return how many folders and files were removed."""
    trees, made = bundles.all(), environments.all()
    kept = await db.read(deployments.kept)
    gone = trees - {row["id"] for row in kept}
    for row in kept:
        made -= environments.needed(row["requirements"], row["workspace_id"])
    await environments.drop(made)
    for deployment_id in gone:
        await bundles.forget(deployment_id)
    return len(gone) + len(made)
