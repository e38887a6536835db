"""Where hands may reach: the working directory, and, to read only, the bundle.

A path is resolved first and then opened part by part without following links, so that a link made
meanwhile by a command leads nowhere. Links within the two places work, links out of them do not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Refusal(Exception):
    """What was asked for can't be done; the text tells the model what to do instead."""


class Located(NamedTuple):
    """A path that may be reached: `parts` lead to it from `root`, none of them a link."""

    root: str
    parts: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one run; all absolute and free of links.

    work      the working directory
    bundle    the deployment's folder
    skill     the skill's own folder in it
    secrets   names of the variables that are secrets
    shown     those of them that commands may see
    """

    work: str
    bundle: str
    skill: str
    secrets: Sequence[str] = ()
    shown: Sequence[str] = ()

    def locate(self, path: str, *, to_write: bool = False) -> Located:
        """Find out where a path leads. Raises Refusal for one that leads out."""
        if not path or "\0" in path:
            raise Refusal("pass the path of a file, relative to the working directory")
        real = os.path.realpath(os.path.join(self.work, path))
        if not to_write and not os.path.lexists(real):
            # The skill's own words name its files by their paths in its folder.
            own = os.path.realpath(os.path.join(self.skill, path))
            real = own if os.path.lexists(own) else real
        for root in (self.work, self.bundle):
            if is_within(real, root):
                if to_write and root == self.bundle:
                    raise Refusal(
                        f"`{path}` belongs to the skill and can only be read: "
                        "write to another path in the working directory"
                    )
                return Located(root, _parts(real, root))
        raise Refusal(
            f"`{path}` is outside of the working directory and of the skill's folder: "
            "use a path relative to the working directory"
        )


def is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def open_file(located: Located, shown: str) -> int:
    """Open a regular file to be read and return its descriptor. Raises Refusal."""
    if not located.parts:
        raise Refusal(f"`{shown}` is a folder: name a file in it")
    parent = open_folder(located.root, located.parts[:-1], shown)
    try:
        descriptor = os.open(located.parts[-1], _FILE, dir_fd=parent)
    except OSError as error:
        raise Refusal(f"`{shown}` can't be read: {_reason(error)}") from None
    finally:
        os.close(parent)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a folder: name a file in it" if stat.S_ISDIR(mode) else "no regular file"
        raise Refusal(f"`{shown}` is {kind}")
    return descriptor


def open_folder(root: str, parts: Sequence[str], shown: str, *, make: bool = False) -> int:
    """Open a folder part by part and return its descriptor; with `make`, make what is missing.

    Raises Refusal.
    """
    here = os.open(root, _FOLDER)
    try:
        for part in parts:
            if make:
                _make(part, here)
            above, here = here, os.open(part, _FOLDER, dir_fd=here)
            os.close(above)
    except OSError as error:
        os.close(here)
        raise Refusal(f"`{shown}` can't be reached: {_reason(error)}") from None
    return here


def _make(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        pass


def _parts(real: str, root: str) -> list[str]:
    relative = os.path.relpath(real, root)
    return [] if relative == "." else relative.split(os.sep)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
