"""Files that pass between server and run, in a folder that the skill can write.

The skill may put a link, a device or a pipe where a file is expected, also while we look. So each
part of a path is opened from its parent without following links, what is open is checked, and
what we put there is made anew.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

from puras.server.refusals import Refused

_CHUNK = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


async def chunks_of(folder: Path, name: str) -> AsyncIterator[bytes]:
    """Yield the bytes of a run's own file.

    Raises:
        Refused: `invalid_request`, where the name leads to no regular file inside of the folder.
    """
    with os.fdopen(await asyncio.to_thread(_open, folder, name), "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


async def put_copy(source: Path, folder: Path, name: str) -> None:
    """Copy a file of the server's into a run's folder, under a name that is not taken."""
    await asyncio.to_thread(_copy, source, folder / name)


def _open(folder: Path, name: str) -> int:
    parts = name.split("/")
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise _no_file(name, "it is no relative path")
    parent = os.open(folder, _FOLDER)
    try:
        for part in parts[:-1]:
            above, parent = parent, os.open(part, _FOLDER, dir_fd=parent)
            os.close(above)
        descriptor = os.open(parts[-1], _FILE, dir_fd=parent)
    except OSError as error:
        raise _no_file(name, error.strerror or "it can't be opened") from None
    finally:
        os.close(parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_file(name, "it is no regular file")
    return descriptor


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, _NEW_FILE, 0o644)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        shutil.copyfileobj(reading, writing)


def _no_file(name: str, why: str) -> Refused:
    return Refused("invalid_request", f"the run's file {name!r} can't be read: {why}")
