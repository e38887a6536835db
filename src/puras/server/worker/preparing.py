"""Builds the environment of a new deployment in the background, so that no job has to wait.

A build that fails is told by the first job that needs it, with the build's whole log.
"""

from __future__ import annotations

import asyncio

import structlog

from puras.server.db.database import Database
from puras.server.deployments import store as deployments
from puras.server.worker.environments import EnvironmentBroken, Environments

_log = structlog.get_logger(__name__)


class Preparations:
    """The builds that are going on."""

    def __init__(self, db: Database, environments: Environments) -> None:
        self._db = db
        self._environments = environments
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, deployment_id: str) -> None:
        """Start to prepare a deployment, and return at once."""
        task = asyncio.create_task(self._prepare(deployment_id), name=f"prepare-{deployment_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is still being built."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _prepare(self, deployment_id: str) -> None:
        deployment = await self._db.read(lambda tx: deployments.get(tx, deployment_id))
        if deployment is None:
            return
        try:
            await self._environments.ensure(
                deployment.requirements, deployment.workspace_id, lambda line: None
            )
        except EnvironmentBroken:
            _log.warning("environment_broken", deployment_id=deployment_id)
        except Exception:
            _log.exception("environment_not_prepared", deployment_id=deployment_id)
