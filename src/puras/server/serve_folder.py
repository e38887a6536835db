"""`puras serve --dir`: the bundle in a folder, deployed as skillpack `local`, again on change."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from watchfiles import awatch

from puras.bundle.faults import BadBundle
from puras.bundle.pack import pack
from puras.server.db.database import Transaction
from puras.server.deployments.deploy import deploy
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.server.start import LOCAL
from puras.server.workspaces import store as workspaces

if TYPE_CHECKING:
    from puras.server.platform import Platform

SKILLPACK = "local"
_log = structlog.get_logger(__name__)


async def deploy_folder(platform: Platform, folder: Path, *, lenient: bool = False) -> None:
    """Pack and deploy the folder. `lenient` logs what is wrong with it instead of raising.

    Raises:
        Refused: the bundle has faults.
    """
    try:
        await _deploy(platform, folder)
    except Refused as refusal:
        if not lenient:
            raise
        faults = [f"{f.get('file', '')} {f['path']}: {f['message']}" for f in refusal.errors]
        _log.error("bundle_not_deployed", why=refusal.detail, faults=faults)


async def watch_folder(platform: Platform, folder: Path) -> None:
    """Deploy again after each change, until cancelled; a broken bundle leaves the last one."""
    async for _ in awatch(folder):
        await deploy_folder(platform, folder, lenient=True)


async def _deploy(platform: Platform, folder: Path) -> None:
    skillpack = await platform.db.write(lambda tx: _skillpack(tx, now=platform.clock()))
    with tempfile.TemporaryDirectory(prefix="puras-pack-") as scratch:
        archive = Path(scratch) / "bundle.zip"
        try:
            await asyncio.to_thread(_pack, folder, archive)
        except BadBundle as error:
            raise Refused("bad_bundle", f"{folder}: {error}") from None
        deployment = await deploy(
            platform,
            workspace_id=skillpack.workspace_id,
            skillpack_id=skillpack.id,
            archive=archive,
            activate=True,
            notes=None,
        )
    _log.info(
        "bundle_deployed",
        version=deployment.version,
        skills=sorted(f"{SKILLPACK}/{name}" for name in deployment.skill_names()),
    )


def _pack(folder: Path, archive: Path) -> None:
    with archive.open("wb+") as file:
        pack(folder, file)


async def _skillpack(tx: Transaction, *, now: int) -> Skillpack:
    workspace = await workspaces.by_slug(tx, LOCAL)
    assert workspace is not None, "the first start makes it"
    found = await skillpacks.find(tx, SKILLPACK, workspace_id=workspace.id)
    if found is not None:
        return found
    return await skillpacks.create(
        tx, workspace_id=workspace.id, slug=SKILLPACK, name="Local", now=now
    )
