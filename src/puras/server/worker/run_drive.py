"""The drive as one run sees it: the calls of `puras.drive` and `load_bytes`, within its reach.

Files pass between run and server by name: a relative path inside of the run's own folder, opened
without following links.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from puras.server.clock import new_id
from puras.server.db.database import Row, Transaction
from puras.server.drive.paths import clean_prefix, job_folder, relative, uploads_folder
from puras.server.drive.reach import Reach
from puras.server.drive.signing import Signer
from puras.server.drive.store import Drive, DriveFile, Origin
from puras.server.fetch import Fetcher
from puras.server.jobs import store
from puras.server.refusals import Refused
from puras.server.worker.run_files import chunks_of, put_copy

_MOST_LISTED = 1000
_TTL = range(30, 30 * 86_400 + 1)


class RunOver(Exception):
    """The attempt was fenced off: it writes no file any more."""


@dataclass(slots=True)
class RunDrive:
    """Answers the file calls of one attempt. `grant` widens the reach by what children made."""

    row: Row
    reach: Reach
    drive: Drive
    signer: Signer
    fetcher: Fetcher

    def grant(self, paths: Iterable[str]) -> None:
        self.reach = replace(self.reach, named=self.reach.named | frozenset(paths))

    async def sign(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`drive.sign {path, ttl}` → `{path, signed_url, expires_in}`."""
        path, ttl = await self._named(arguments), arguments.get("ttl", 3600)
        if type(ttl) is not int or ttl not in _TTL:
            raise Refused("invalid_request", "a signed URL lives 30 seconds to 30 days")
        file = await self.drive.find(self._workspace, path)
        url = await self.signer.url(file, ttl=ttl)
        return {"path": path, "signed_url": url, "expires_in": ttl}

    async def read(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`drive.read {path}` → `{file, mime}`: a copy in the run's folder."""
        opened = await self.drive.open(self._workspace, await self._named(arguments))
        name = f"read-{new_id()}{Path(opened.file.path).suffix}"
        await put_copy(opened.local, folder, name)
        return {"file": name, "mime": opened.file.mime}

    async def write(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`drive.write {path, file}` → `{drive_path}`; a bare path lies in the job's folder."""
        path = self._target(str(arguments.get("path") or ""))
        chunks = chunks_of(folder, str(arguments.get("file") or ""))
        return {"drive_path": await self.keep(path, chunks)}

    async def keep(self, path: str, chunks: AsyncIterator[bytes], *, mime: str = "") -> str:
        """Write a file as this run's own, unless the attempt has been fenced off meanwhile."""
        file = await self.drive.write(
            self._workspace,
            path,
            chunks=chunks,
            origin=Origin(key_id=self.row["key_id"], job_id=self.row["id"], declared_mime=mime),
            fence=self._fence,
        )
        return file.path

    async def list(self, arguments: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
        """`drive.list {prefix}` → what of it lies within reach, at most 1,000 files."""
        prefix = clean_prefix(str(arguments.get("prefix") or ""))
        found: dict[str, DriveFile] = {}
        for place in self._places(prefix):
            files = await self.drive.list(self._workspace, prefix=place, limit=_MOST_LISTED)
            found |= {file.path: file for file in files if self.reach.may_read(file.path)}
        return [
            {"drive_path": path, "size_bytes": found[path].size_bytes, "mime": found[path].mime}
            for path in sorted(found)[:_MOST_LISTED]
        ]

    def _places(self, prefix: str) -> set[str]:
        """Return the beginnings under which the run's files lie, as far as they match a prefix.

        A narrow run asks for its own places only: among all of the workspace's files its few would
        not be on the first page.
        """
        if self.reach.wide:
            return {prefix}
        own = {job_folder(self.row["id"]), *self.reach.named}
        if self.row["key_id"] is not None:
            own.add(uploads_folder(self.row["key_id"]))
        return {
            max(place, prefix, key=len)
            for place in own
            if place.startswith(prefix) or prefix.startswith(place)
        }

    async def fetch(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`fetch {url}` → `{file, mime}`: a caller's URL, read by the guarded fetcher."""
        name = f"fetched-{new_id()}"
        fetched = await self.fetcher.fetch(str(arguments.get("url") or ""), folder / name)
        return {"file": name, "mime": fetched.mime}

    async def located(self, path: str) -> str:
        """Return where a path leads that a skill writes: first to what a write of the same path
        made, so that a run finds its files by the names that it gave them."""
        written = self._target(path)
        if await self.drive.stat(self._workspace, written) is not None:
            return written
        return relative(path, workspace_id=self._workspace)

    async def _named(self, arguments: dict[str, Any]) -> str:
        path = await self.located(str(arguments.get("path") or ""))
        return self.readable({"path": path})

    def readable(self, arguments: dict[str, Any]) -> str:
        """Return the clean path of a call, if the run may read it."""
        path = relative(str(arguments.get("path") or ""), workspace_id=self._workspace)
        if not self.reach.may_read(path):
            raise Refused(
                "file_not_found", f"this run can't reach `{path}`, or there is no such file"
            )
        return path

    def _target(self, path: str) -> str:
        wanted = relative(path, workspace_id=self._workspace)
        if not self.reach.wide or "/" not in wanted:
            own = job_folder(self.row["id"])
            return wanted if wanted.startswith(own) else own + wanted
        return wanted

    async def _fence(self, tx: Transaction) -> None:
        if not await store.is_running(tx, job_id=self.row["id"], attempt=self.row["attempt"]):
            raise RunOver(self.row["id"])

    @property
    def _workspace(self) -> str:
        return str(self.row["workspace_id"])
