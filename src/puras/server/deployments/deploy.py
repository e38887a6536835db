"""Deploying: an archive becomes a checked folder, a kept archive, and a row, in this order.

A refusal at any point leaves nothing behind: what was unpacked to be checked is removed, and an
archive that no row came to need is taken out of the storage again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from puras.bundle.archive import unpack
from puras.bundle.faults import BadBundle
from puras.bundle.requirements import read_requirements
from puras.bundle.validate import check_folder
from puras.server.clock import new_id
from puras.server.db.database import Transaction
from puras.server.deployments import store
from puras.server.deployments.bundles import ARCHIVES, archive_name, remove_tree
from puras.server.deployments.media_slugs import media_faults
from puras.server.deployments.model_slugs import Catalog, model_faults
from puras.server.deployments.removal import drop_unused_archive
from puras.server.deployments.store import Deployment, NewDeployment
from puras.server.home import incoming
from puras.server.media.families import Catalogue
from puras.server.media.opening import catalogue_of
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.wire import Fault, Manifest

Record: TypeAlias = Callable[[Transaction, str], Awaitable[None]]
"""Runs in the transaction that makes the deployment, with its id."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle without faults."""

    manifest: Manifest
    requirements: list[str]
    size_bytes: int
    sha256: str


async def deploy(
    platform: Platform,
    *,
    workspace_id: str,
    skillpack_id: str,
    archive: Path,
    activate: bool = True,
    notes: str | None = None,
    record: Record | None = None,
) -> Deployment:
    """Make the archive the skillpack's next version; the file itself is left to its owner.

    Its environment is then built in the background, so that the first job need not wait for it.

    Raises:
        Refused: `bad_bundle`, `invalid_bundle` or `bad_requirements` with every fault,
            `skillpack_not_found`.
    """
    tree = incoming(platform.settings.home) / new_id()
    try:
        checked = await asyncio.to_thread(
            check_archive,
            archive,
            tree,
            catalog=platform.catalog,
            media=catalogue_of(platform.settings),
        )
        new = NewDeployment(
            id=new_id(),
            skillpack_id=skillpack_id,
            workspace_id=workspace_id,
            size_bytes=checked.size_bytes,
            sha256=checked.sha256,
            notes=notes,
            manifest=checked.manifest,
            requirements=checked.requirements,
        )
        made = await _keep(platform, new, archive=archive, activate=activate, record=record)
        await platform.bundles.plant(made.id, tree)
    finally:
        await asyncio.to_thread(remove_tree, tree)
    if platform.worker is not None:
        platform.worker.prepare(made.id)
    return made


def check_archive(archive: Path, tree: Path, *, catalog: Catalog, media: Catalogue) -> Checked:
    """Unpack an archive into a new folder `tree` and check all that can be checked.

    Raises:
        Refused: `bad_bundle`, `invalid_bundle`, `bad_requirements`.
    """
    tree.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        unpack(archive, tree)
        manifest, faults = check_folder(tree)
        requirements, unread = read_requirements(tree)
    except BadBundle as error:
        raise Refused("bad_bundle", f"the archive can't be accepted: {error}") from None
    if not manifest["skills"] and not faults:
        faults = [{"file": "", "path": "$", "message": "no folder in it has a `skill.yaml`"}]
    unknown = [*model_faults(manifest, catalog), *media_faults(manifest, media)]
    _refuse("invalid_bundle", [*faults, *unknown])
    _refuse("bad_requirements", unread)
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Checked(manifest, requirements, archive.stat().st_size, digest)


async def _keep(
    platform: Platform,
    new: NewDeployment,
    *,
    archive: Path,
    activate: bool,
    record: Record | None,
) -> Deployment:
    async def make(tx: Transaction) -> Deployment:
        if record is not None:
            await record(tx, new.id)
        return await store.create(tx, new, activate=activate, now=platform.clock())

    async with platform.db.exclusively(ARCHIVES):
        await platform.storage.adopt(archive_name(new.sha256), archive)
        try:
            return await platform.db.write(make)
        except Exception:
            await drop_unused_archive(platform, new.sha256)
            raise


def _refuse(code: str, faults: list[Fault]) -> None:
    if not faults:
        return
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    first = faults[0]
    place = ", ".join(filter(None, (first.get("file"), first["path"])))
    raise Refused(
        code,
        f"the bundle has {count}, fix and deploy again; the first is in {place}: "
        f"{first['message']}",
        errors=faults,
    )
