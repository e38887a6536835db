"""Finding and killing whole families of processes, and those that a killed server left behind.

A family is killed in two sweeps: every member is stopped first, again and again until no new one
turns up, so that none can fork away from the second sweep, which kills. Standard library only: the
warm parent uses this too.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "PURAS_DATA_MARK"
"""The environment variable that every process below a worker carries."""

_KERNEL_LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def children(pid: int) -> list[int]:
    """Return the ids of a process's children; none when it is gone."""
    if not _KERNEL_LISTS_CHILDREN:
        return [child for child, parent in _parents() if parent == pid]
    found: list[int] = []
    for task in _listed(f"/proc/{pid}/task"):
        found += map(int, _text(f"/proc/{pid}/task/{task}/children").split())
    return found


def family(pid: int) -> list[int]:
    """Return a process and everything below it, parents first."""
    found = [pid]
    for member in found:
        found += children(member)
    return found


def kill_family(pid: int) -> None:
    """Kill a process and everything below it. Returns when all are signalled, not yet reaped."""
    stopped: set[int] = set()
    while new := [member for member in family(pid) if member not in stopped]:
        for member in new:
            send(member, signal.SIGSTOP)
        stopped.update(new)
    for member in stopped:
        send(member, signal.SIGKILL)


def send(pid: int, signal_number: int) -> None:
    """Send a signal; a process that is gone, or beyond our reach, is no error."""
    try:
        os.kill(pid, signal_number)
    except (ProcessLookupError, PermissionError):
        pass


def data_mark(home: Path) -> str:
    """Name a data folder in the environment of all that runs for it."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:32]


def reap_marked(mark: str, *, patience_seconds: float = 5.0) -> int:
    """Kill every process that carries a data folder's mark and return how many there were.

    For a worker that starts: what it finds was left behind by one that was killed. Waits until they
    are gone, `patience_seconds` at most.
    """
    killed: set[int] = set()
    deadline = time.monotonic() + patience_seconds
    while found := marked(mark):
        for pid in found:
            kill_family(pid)
        killed.update(found)
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    return len(killed)


def marked(mark: str) -> list[int]:
    """Return the processes that carry a data folder's mark, but for this one."""
    wanted = f"{MARK}={mark}".encode()
    return [
        int(name)
        for name in _listed("/proc")
        if name.isdigit()
        and int(name) != os.getpid()
        and wanted in _bytes(f"/proc/{name}/environ").split(b"\0")
    ]


def _parents() -> Iterator[tuple[int, int]]:
    for name in _listed("/proc"):
        if name.isdigit() and (line := _text(f"/proc/{name}/stat")):
            yield int(name), int(line.rpartition(")")[2].split()[1])


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: str) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
