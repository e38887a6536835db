"""Deployments as folders on this machine: each unpacked once, read-only, shared by its runs.

An unpacked tree is a cache of the archive. It appears by one rename, so nobody sees half of one;
and the trees of an earlier boot are not trusted, for a power cut may have torn them: they lie
under the boot's id and are unpacked again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import defaultdict
from pathlib import Path

from puras.bundle.archive import unpack
from puras.bundle.faults import BadBundle
from puras.server.clock import new_id
from puras.server.storage.port import Storage

ARCHIVES = "archives"
"""The lock that who adds an archive to the storage, or takes one out, holds from the look at the
table to the end: two deployments of the same bytes share one archive."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ArchiveMissing(Exception):
    """The bytes of a deployment are gone, or are no archive any more."""


class Bundles:
    """Gives each deployment's folder."""

    def __init__(self, storage: Storage, root: Path) -> None:
        self._storage = storage
        self._root = root / _boot_id()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        for stale in root.glob("*"):
            if stale != self._root:
                remove_tree(stale)

    async def unpacked(self, deployment_id: str, sha256: str) -> Path:
        """Return a deployment's folder, unpacking it where that was not yet done.

        Raises:
            ArchiveMissing: there is nothing to unpack.
        """
        folder = self._root / deployment_id
        async with self._locks[deployment_id]:
            if not folder.is_dir():  # quicker than to ask another thread
                archive = await self._storage.local_path(archive_name(sha256))
                if archive is None:
                    raise ArchiveMissing(f"the archive of deployment {deployment_id} is gone")
                await asyncio.to_thread(self._unpack, archive, folder)
        return folder

    async def plant(self, deployment_id: str, tree: Path) -> None:
        """Take a tree that was unpacked to be checked as a new deployment's folder."""
        folder = self._root / deployment_id
        async with self._locks[deployment_id]:
            if not await asyncio.to_thread(folder.is_dir):  # a first run may have been quicker
                await asyncio.to_thread(self._settle, tree, folder)

    def all(self) -> set[str]:
        """Return the ids of all deployments that have a folder here."""
        found = self._root.iterdir() if self._root.is_dir() else ()
        return {folder.name for folder in found if not folder.name.startswith(".")}

    async def forget(self, deployment_id: str) -> None:
        """Remove the folder of a deployment that no run uses any more."""
        async with self._locks[deployment_id]:
            await asyncio.to_thread(remove_tree, self._root / deployment_id)
        self._locks.pop(deployment_id, None)

    def _unpack(self, archive: Path, folder: Path) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._root / f".{new_id()}"
        try:
            unpack(archive, draft)
            self._settle(draft, folder)
        except BadBundle as error:
            raise ArchiveMissing(f"the archive {archive.name} can't be read: {error}") from error
        finally:
            remove_tree(draft)

    def _settle(self, draft: Path, folder: Path) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_read_only(draft)
        draft.chmod(0o755)  # a folder is moved only by who may write it
        draft.rename(folder)
        folder.chmod(0o555)


def archive_name(sha256: str) -> str:
    """Return the name under which an archive is kept in the storage."""
    return f"bundles/{sha256}.zip"


def make_read_only(tree: Path) -> None:
    """Let everybody read a tree and nobody write it."""
    for folder, _, files in os.walk(tree):
        for name in files:
            path = Path(folder, name)
            path.chmod(0o555 if path.stat().st_mode & 0o100 else 0o444)
    for folder, _, _ in os.walk(tree, topdown=False):
        Path(folder).chmod(0o555)


def remove_tree(tree: Path) -> None:
    """Remove a tree, read-only or not; one that does not exist is no error."""
    for folder, _, _ in os.walk(tree):
        Path(folder).chmod(0o700)
    shutil.rmtree(tree, ignore_errors=True)


def _boot_id() -> str:
    return _BOOT_ID.read_text("ascii").strip() if _BOOT_ID.exists() else "boot"
