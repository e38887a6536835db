"""Bytes by name: the seam between the platform and where files lie (a folder; S3 next).

Names are `/`-separated, relative and already checked; `bundles/<sha256>.zip` and
`drive/<workspace id>/<blob id>` are the two kinds there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol


class TooLarge(Exception):
    """More bytes came than were allowed; nothing was kept."""


class Storage(Protocol):
    """Writes are atomic: a reader sees the old bytes or the new ones, never a part."""

    async def write(self, name: str, chunks: AsyncIterator[bytes], *, limit: int) -> int:
        """Keep the bytes under a name and return how many. Raises TooLarge over `limit`."""

    async def adopt(self, name: str, file: Path) -> int:
        """Take a finished local file as the bytes of a name and return its size.

        The file stays where it is for its owner to remove, and must not be written to any more.
        """

    async def size(self, name: str) -> int | None:
        """Return the size in bytes, or None where there is nothing."""

    async def local_path(self, name: str) -> Path | None:
        """Return a local file with the bytes, to be read only; None where there is nothing."""

    async def delete(self, name: str) -> None:
        """Forget a name; one that does not exist is no error."""
