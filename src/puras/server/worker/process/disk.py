"""Looks how much a run has in its folder, from its second second on, and ends one with too much.

A look takes a thread, one descriptor and at most a twentieth of the time: the longer it takes, the
rarer it comes. No link is followed, and no folder is too deep. What a run has deleted but holds
open is not seen.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

LOOK_SECONDS = 1.0
_REST = 20
_BLOCK_BYTES = 512
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Watch:
    """`exceeded` is set once the run was ended for what it wrote."""

    folder: int
    most_bytes: int
    kill: Callable[[], Awaitable[None]]
    exceeded: bool = False
    task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self.task = asyncio.create_task(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        while True:
            begun = time.monotonic()
            if await self._used() > self.most_bytes:
                self.exceeded = True
                return await self.kill()
            await asyncio.sleep(max(LOOK_SECONDS, _REST * (time.monotonic() - begun)))

    async def _used(self) -> int:
        try:
            folder = os.open(".", _FOLDER, dir_fd=self.folder)
        except OSError:
            return 0  # code of the deployment has removed it
        loop = asyncio.get_running_loop()
        # To its end even when this is cancelled: it closes the descriptor.
        return await asyncio.shield(loop.run_in_executor(None, used_bytes, folder, self.most_bytes))


@contextmanager
def bounded(folder: int, most_bytes: int, kill: Callable[[], Awaitable[None]]) -> Iterator[Watch]:
    """Watch a folder, by its descriptor, until the block ends; `kill` ends the run."""
    watch = Watch(folder, most_bytes, kill)
    timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, watch.begin)
    try:
        yield watch
    finally:
        timer.cancel()
        if watch.task is not None and not watch.exceeded:
            watch.task.cancel()


def used_bytes(folder: int, most: int) -> int:
    """Add up what lies in a folder, and close its descriptor; beyond `most` it stops counting.

    It goes down by names and up by `..`. Where a folder was moved meanwhile, it stops there.
    """
    here, path = folder, [(_identity(folder), *_look(folder))]
    total = path[0][2]
    try:
        while path and total <= most:
            waiting = path[-1][1]
            if waiting:
                with suppress(OSError):
                    here = _moved(here, waiting.pop())
                    path.append((_identity(here), *_look(here)))
                    total += path[-1][2]
                continue
            path.pop()
            if path:
                here = _moved(here, "..")
                if _identity(here) != path[-1][0]:
                    break
    except OSError:
        pass  # it went away
    finally:
        os.close(here)
    return total


def _moved(here: int, name: str) -> int:
    there = os.open(name, _FOLDER, dir_fd=here)
    os.close(here)
    return there


def _look(folder: int) -> tuple[list[str], int]:
    """Return the names of a folder's folders, and the bytes of all else in it."""
    folders, size = [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
    return folders, size


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino
