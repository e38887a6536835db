"""Folders of runs: where a run may write, and where its files pass through the worker's hands.

    <root>/runtime/puras            a link to this package: what a skill imports
    <root>/<zygote>/<run>/          the run's own: puras.sock, work/ (its cwd), home/, tmp/
    <root>/calls/<call>/            out of the run's reach: the files of one call of a helper

The worker never opens a path inside of a run's folder, where the run could have put a link to
somewhere else. A file is *moved* to a call's folder by its bare name and looked at there; the file
of an answer is moved the other way. Paths of Unix sockets end at 107 bytes, so a data folder that
lies too deep has its runs below the system's temporary folder.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import puras
from puras.server.refusals import Refused
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.processes import data_mark

SOCKET_NAME = "puras.sock"
_MAX_ROOT_BYTES = 107 - len(f"/{'z' * 6}/{'w' * 8}/{'r' * 8}/{SOCKET_NAME}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOMS = ("work", "home", "tmp")
_FILE_NAME = re.compile(r"call-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder. `user` owns it when runs have users of their own; `descriptor` is the
    folder itself, whatever a run has put under its name since."""

    path: Path
    user: int | None
    descriptor: int

    @classmethod
    def open(cls, path: Path, user: int | None) -> RunFolder:
        """Enter a folder that `RunFolders.for_run` made."""
        return cls(path, user, os.open(path, _FOLDER))

    @property
    def work(self) -> Path:
        return self.path / "work"

    def listen(self) -> socket.socket:
        """Return the socket of the run's helpers, bound in the folder itself."""
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            bound.bind(f"/proc/self/fd/{self.descriptor}/{SOCKET_NAME}")
            if self.user is not None:
                os.chown(
                    SOCKET_NAME,
                    self.user,
                    self.user,
                    dir_fd=self.descriptor,
                    follow_symlinks=False,
                )
        except BaseException:
            bound.close()
            raise
        return bound

    def environment(self) -> dict[str, str]:
        """Return the variables that lead a run to its folder."""
        return {
            "HOME": str(self.path / "home"),
            "TMPDIR": str(self.path / "tmp"),
            "PURAS_SOCKET": str(self.path / SOCKET_NAME),
        }

    def take(self, name: str, call_folder: Path) -> None:
        """Move a file that the run made to a call's folder.

        Raises Refused when it is not a plain file of the run under a name the helpers give.
        """
        if not _FILE_NAME.fullmatch(name):
            raise Refused("invalid_request", "pass a file by the name that the helpers give it")
        target = call_folder / name
        try:
            os.rename(name, target, src_dir_fd=self.descriptor)
        except OSError:
            raise Refused(
                "invalid_request", f"there is no file {name} in the run's folder"
            ) from None
        found = target.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise Refused("invalid_request", f"{name} is no plain file of its own")

    def give(self, file: Path) -> str:
        """Move a file from a call's folder to the run's and return its name there."""
        name = f"call-{secrets.token_hex(8)}"
        file.chmod(0o600)
        if self.user is not None:
            os.chown(file, self.user, self.user)
        os.rename(file, name, dst_dir_fd=self.descriptor)
        return name

    def leave(self) -> None:
        """Let go of the folder itself, for it is about to be removed."""
        os.close(self.descriptor)


class RunFolders:
    """All run folders of one data folder. Making it removes what an earlier worker left."""

    def __init__(self, home: Path) -> None:
        self.root = _root(home)
        remove(self.root)
        self.root.mkdir(parents=True, mode=0o755)
        self.runtime = self.root / "runtime"
        self.runtime.mkdir()
        (self.runtime / "puras").symlink_to(Path(puras.__path__[0]).resolve())
        self._calls = self.root / "calls"
        self._calls.mkdir(mode=0o700)

    def for_zygote(self, user: int | None) -> Path:
        """Make the folder that holds the runs of one warm parent."""
        return _made(self.root / secrets.token_hex(3), user)

    def for_process(self, parent: Path, user: int | None) -> Path:
        """Make the folder of a process that serves run after run."""
        return _made(parent / secrets.token_hex(4), user)

    def for_run(self, parent: Path, user: int | None) -> Path:
        """Make the folder of one run, with what a run finds there."""
        path = self.for_process(parent, user)
        with _entered(path) as folder:
            for name in _ROOMS:
                _make(name, user, parent=folder)
        return path

    def for_next(self, untouched: Path) -> Path:
        """Give a folder that its run left as it was made to the next one, under another name."""
        path = untouched.with_name(secrets.token_hex(4))
        untouched.rename(path)
        return path

    def for_call(self) -> Path:
        return _made(self._calls / secrets.token_hex(8), None)


def abandoned(home: Path) -> list[Path]:
    """Return what lies in a data folder's run folders, or nothing: for one that no worker uses."""
    name = data_mark(home)[:12]
    roots = [
        home.resolve() / "runs",
        *(
            Path(parent) / f"puras-{os.getuid()}" / name
            for parent in (tempfile.gettempdir(), "/tmp")
        ),
    ]
    found = {path for root in roots if root.is_dir() for path in root.iterdir()}
    return sorted(path for path in found if path.name not in {"runtime", "calls"})


def is_untouched(path: Path) -> bool:
    """Tell whether a run left its folder as it was made, but for the socket, which goes.

    Most functions write nothing, and making folders and removing them costs more than looking. To
    be asked when nothing of the run lives any more.
    """
    try:
        with _entered(path) as folder:
            os.unlink(SOCKET_NAME, dir_fd=folder)
            if not _is_as_made(folder, _ROOMS):
                return False
            for name in _ROOMS:
                with _entered(name, parent=folder) as room:
                    if not _is_as_made(room, ()):
                        return False
            return True
    except OSError:
        return False


def _is_as_made(folder: int, names: Sequence[str]) -> bool:
    mode = os.fstat(folder).st_mode
    as_made = mode == stat.S_IFDIR | 0o700 and not os.listxattr(folder)
    return as_made and sorted(os.listdir(folder)) == sorted(names)


@contextmanager
def _entered(path: str | os.PathLike[str], *, parent: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _root(home: Path) -> Path:
    own = home.resolve() / "runs"
    if len(os.fsencode(own)) <= _MAX_ROOT_BYTES:
        return own
    return _temporary(f"puras-{os.getuid()}") / data_mark(home)[:12]


def _temporary(name: str) -> Path:
    """Make a folder of this user's in the system's temporary folder, or in /tmp if that is deep."""
    longest = _MAX_ROOT_BYTES - len("/") - 12
    named = (Path(parent) / name for parent in (tempfile.gettempdir(), "/tmp"))
    short = next((folder for folder in named if len(os.fsencode(folder)) <= longest), None)
    if short is None:
        raise RuntimeError("the temporary folder's path is too long: set a shorter TMPDIR")
    short.mkdir(mode=0o711, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.getuid():
        raise RuntimeError(f"{short} belongs to another user: set TMPDIR or use a shorter --data")
    return short


def _made(folder: Path, user: int | None) -> Path:
    _make(os.fspath(folder), user)
    return folder


def _make(path: str, user: int | None, *, parent: int | None = None) -> None:
    """Make a folder. What it is in may be a user's, who could put a link under its name at once:
    so it is the folder itself that is given away, not what is found by the name."""
    os.mkdir(path, 0o700, dir_fd=parent)
    if user is None:
        return
    with _entered(path, parent=parent) as folder:
        os.fchown(folder, user, user)
