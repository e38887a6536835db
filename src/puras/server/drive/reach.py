"""How far a run reaches into its workspace's drive: one frozen value, two questions. Pure.

A run of the workspace's own skillpack that a secret key submitted reaches all of it. Any other
reads its own folder, what its inputs name and what its key uploaded, and writes its own folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from puras.server.drive.paths import job_folder, uploads_folder


@dataclass(frozen=True, slots=True)
class Reach:
    """`named` are the drive paths in the job's inputs; `key_id` the key that submitted its root."""

    wide: bool
    job_id: str
    key_id: str | None = None
    named: frozenset[str] = frozenset()

    def may_read(self, path: str) -> bool:
        """Tell whether the run may read, list or sign a clean path."""
        own_uploads = self.key_id is not None and path.startswith(uploads_folder(self.key_id))
        return self.may_write(path) or path in self.named or own_uploads

    def may_write(self, path: str) -> bool:
        return self.wide or path.startswith(job_folder(self.job_id))
