"""Bytes by name: the seam between the platform and where files lie, a folder or S3.

Names are `/`-separated, relative and already checked; `bundles/<sha256>.zip`,
`drive/<workspace id>/<blob id>` and `working/<job id>/<copy id>` are the three kinds there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

Headers: TypeAlias = Mapping[str, str]
"""What a storage that serves files itself sends with one; `Content-Type` and the like."""

NO_HEADERS: Headers = MappingProxyType({})


class TooLarge(Exception):
    """More bytes came than were allowed; nothing was kept."""


class StorageUnavailable(Exception):
    """The storage does not answer, or refuses what it must allow; the text says which."""


class Stored(NamedTuple):
    """What lies under a name; `changed` is in seconds since 1970."""

    name: str
    size_bytes: int
    changed: float


class Storage(Protocol):
    """Writes are atomic: a reader sees the old bytes or the new ones, never a part.

    Anything but the storage of this machine may raise StorageUnavailable at every call.
    """

    async def write(
        self,
        name: str,
        chunks: AsyncIterator[bytes],
        *,
        limit: int,
        headers: Headers = NO_HEADERS,
    ) -> int:
        """Keep the bytes under a name and return how many. Raises TooLarge over `limit`."""

    async def adopt(self, name: str, file: Path, *, headers: Headers = NO_HEADERS) -> int:
        """Take a finished local file as the bytes of a name and return its size.

        The file stays where it is for its owner to remove, and must not be written to any more.
        Raises ValueError for what is no file.
        """

    async def size(self, name: str) -> int | None:
        """Return the size in bytes, or None where there is nothing."""

    async def local_path(self, name: str) -> Path | None:
        """Return a local file with the bytes, to be read only; None where there is nothing.

        It may be gone a minute later: open it at once.
        """

    async def delete(self, name: str) -> None:
        """Forget a name; one that does not exist is no error."""

    def listing(self, prefix: str = "") -> AsyncIterator[Stored]:
        """Go through everything that is kept, in no order; `prefix` ends with a `/`, or is empty
        for all of it."""
