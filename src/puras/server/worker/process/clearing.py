"""Removes a folder that a run could write to, whatever the run has left there.

A run can nest folders deeper than a recursion or a process's descriptors go, and take permissions
away. So nothing is descended into: a folder within the folder is emptied of its files, what folders
it has are moved up beside it, and then it goes itself, until there is nothing left. Standard
library only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def remove(folder: str | os.PathLike[str]) -> None:
    """Remove a folder and all that is in it; what can't be removed stays, and raises nothing.

    No process may be left that writes to it. A link under the folder's name is not followed.
    """
    with suppress(OSError):
        empty(folder)
        os.rmdir(folder)


def empty(folder: str | os.PathLike[str]) -> None:
    """Remove all that is in a folder. Raises OSError where the folder itself can't be opened."""
    stuck: set[str] = set()
    with _opened(os.fspath(folder)) as top:
        while waiting := set(_unlink_files(top)) - stuck:
            for name in waiting:
                try:
                    _flatten(name, top)
                except OSError:
                    stuck.add(name)


def _flatten(name: str, top: int) -> None:
    """Remove a folder of `top`, moving those that are in it to `top`."""
    with _opened(name, top) as folder:
        for inner in _unlink_files(folder):
            _make_ours(inner, folder)
            os.rename(inner, os.urandom(16).hex(), src_dir_fd=folder, dst_dir_fd=top)
    os.rmdir(name, dir_fd=top)


def _unlink_files(folder: int) -> list[str]:
    """Remove all but the folders of a folder, and return the names of those."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=folder)
    return folders


@contextmanager
def _opened(path: str, parent: int | None = None) -> Iterator[int]:
    _make_ours(path, parent)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_ours(path: str, parent: int | None) -> None:
    """Give ourselves back what a run took away from us; root needs no permission."""
    if os.geteuid() == 0:
        return
    handle = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)
    finally:
        os.close(handle)
