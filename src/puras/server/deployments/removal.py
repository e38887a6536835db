"""Taking deployments away: rows keep their numbers, files go when no other row needs them."""

from __future__ import annotations

from puras.server.db.database import Transaction
from puras.server.deployments import store
from puras.server.deployments.bundles import ARCHIVES, archive_name
from puras.server.deployments.store import Deployment
from puras.server.memory import store as memory
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.secrets import store as secrets
from puras.server.skillpacks import store as skillpacks


async def delete_deployment(
    platform: Platform, reference: str, *, deployment_id: str, workspace_id: str
) -> None:
    """Delete one deployment of a skillpack.

    Raises:
        Refused: `skillpack_not_found`, `deployment_not_found`, `deployment_in_use`.
    """

    async def remove(tx: Transaction) -> list[Deployment]:
        pack = await skillpacks.find_to_change(tx, reference, workspace_id=workspace_id)
        deployment = await store.of_skillpack(tx, pack.id, deployment_id=deployment_id)
        if deployment.is_active:
            raise Refused(
                "deployment_in_use",
                f"version {deployment.version} is active: activate another one first",
            )
        await store.delete(tx, deployment, now=platform.clock())
        return [deployment]

    async with platform.db.exclusively(ARCHIVES):
        await _drop_files(platform, await platform.db.write(remove))


async def delete_skillpack(platform: Platform, reference: str, *, workspace_id: str) -> None:
    """Delete a skillpack with all of its deployments, secrets and memories, or nothing.

    Raises:
        Refused: `skillpack_not_found`, `deployment_in_use`.
    """

    async def remove(tx: Transaction) -> list[Deployment]:
        pack = await skillpacks.find_to_change(tx, reference, workspace_id=workspace_id)
        deployments = await store.every(tx, pack.id)
        for deployment in deployments:
            await store.delete(tx, deployment, now=platform.clock())
        await secrets.delete_all(tx, pack.id)
        await memory.delete_all(tx, pack.id)
        await skillpacks.delete(tx, pack, now=platform.clock())
        return deployments

    async with platform.db.exclusively(ARCHIVES):
        await _drop_files(platform, await platform.db.write(remove))


async def _drop_files(platform: Platform, deployments: list[Deployment]) -> None:
    for deployment in deployments:
        await platform.bundles.forget(deployment.id)
        await drop_unused_archive(platform, deployment.sha256)


async def drop_unused_archive(platform: Platform, sha256: str) -> None:
    """Take an archive out of the storage unless some deployment needs it. Needs the lock
    `ARCHIVES`."""
    if not await platform.db.read(lambda tx: store.uses_archive(tx, sha256)):
        await platform.storage.delete(archive_name(sha256))
