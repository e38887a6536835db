"""The files of a version: which there are, how they differ from another version's, what they say.

They are read from the unpacked bundle. Versions never change, so what was hashed once is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from puras.server.deployments.bundles import ArchiveMissing
from puras.server.deployments.store import Deployment
from puras.server.refusals import Refused
from puras.wire import MAX_SHOWN_FILE_BYTES, BundleFile, BundleFileText

if TYPE_CHECKING:
    from puras.server.deployments.bundles import Bundles

_CHUNK_BYTES = 1 << 20
_KEPT_LISTS = 32


@dataclass(frozen=True, slots=True)
class Listed:
    """A file in a bundle."""

    size_bytes: int
    sha256: str


async def list_files(bundles: Bundles, deployment: Deployment) -> Mapping[str, Listed]:
    """Return a version's files by path, sorted. Raises Refused (`deployment_not_found`)."""
    folder = await _unpacked(bundles, deployment)
    return await asyncio.to_thread(_hashed, folder, deployment.sha256)


async def read_file(bundles: Bundles, deployment: Deployment, path: str) -> BundleFileText:
    """Return one file, of a long one the beginning.

    Raises:
        Refused: `file_not_found`; `deployment_not_found`.
    """
    files = await list_files(bundles, deployment)
    if path not in files:
        raise Refused(
            "file_not_found",
            f"there is no file `{path[:200]}` in version {deployment.version}: list its files",
        )
    folder = await _unpacked(bundles, deployment)
    content = await asyncio.to_thread(_begin_of, folder / path)
    truncated = files[path].size_bytes > MAX_SHOWN_FILE_BYTES
    return {
        "path": path,
        "size_bytes": files[path].size_bytes,
        "sha256": files[path].sha256,
        "text": as_text(content, truncated=truncated),
        "truncated": truncated,
    }


def plain(files: Mapping[str, Listed]) -> list[BundleFile]:
    """Write files as the wire has them."""
    return [_on_wire(path, files[path]) for path in files]


def compared(files: Mapping[str, Listed], base: Mapping[str, Listed]) -> list[BundleFile]:
    """Write the files of both versions, each with what happened to it since `base`."""
    written: list[BundleFile] = []
    for path in sorted({*files, *base}):
        here, there = files.get(path), base.get(path)
        shown = here or there
        assert shown is not None, "it is in one of the two"
        file = _on_wire(path, shown)
        if there is None:
            file["change"] = "added"
        elif here is None:
            file["change"] = "removed"
        else:
            file["change"] = "same" if here.sha256 == there.sha256 else "changed"
        written.append(file)
    return written


def as_text(content: bytes, *, truncated: bool) -> str | None:
    """Read UTF-8 without NUL; None for anything else. A character that was cut at the end goes."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if not truncated or error.start < len(content) - 3:
            return None
        return content[: error.start].decode("utf-8")


async def _unpacked(bundles: Bundles, deployment: Deployment) -> Path:
    try:
        return await bundles.unpacked(deployment.id, deployment.sha256)
    except ArchiveMissing as missing:
        raise Refused(
            "deployment_not_found",
            f"the files of version {deployment.version} are gone: deploy it again",
        ) from missing


@lru_cache(maxsize=_KEPT_LISTS)
def _hashed(folder: Path, sha256: str) -> Mapping[str, Listed]:
    """`sha256` is the archive's: with the folder it stands for what is in there."""
    found: dict[str, Listed] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            file = Path(parent, name)
            if stat.S_ISREG(file.lstat().st_mode):
                found[file.relative_to(folder).as_posix()] = _hash(file)
    return dict(sorted(found.items()))


def _hash(file: Path) -> Listed:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return Listed(size, digest.hexdigest())


def _begin_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_SHOWN_FILE_BYTES)


def _on_wire(path: str, file: Listed) -> BundleFile:
    return {"path": path, "size_bytes": file.size_bytes, "sha256": file.sha256}
