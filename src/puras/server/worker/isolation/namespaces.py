"""Namespaces: a warm parent with its own process numbers, `/proc` and `/dev/shm`.

Inside, it is process 1, and the kernel kills everything with it. The process that was started stays
outside as its *guardian*: it runs none of the skill's code, dies with the server and takes process
1 along. A server that is not root makes a user namespace first, where the system lets it.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import struct
from contextlib import suppress

from puras.server.worker.isolation import kernel

_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PROCESSES = 0x20000, 0x8000000, 0x10000000, 0x20000000
_NEW_NETWORK = 0x40000000
_NO_SUID, _NO_DEVICES, _NO_EXECUTE, _RECURSIVE, _PRIVATE = 2, 4, 8, 0x4000, 0x40000
_SET_INTERFACE_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41
MAX_TASKS_TOGETHER = 8192
"""Processes and threads of all runs of a warm parent."""
_SHARED_MEMORY = "size=1g,mode=1777"


def enter(*, network: bool = True) -> None:
    """Return in process 1 of new namespaces; the caller itself becomes the guardian.

    `network` off: a network of its own too, which has a loopback and leads nowhere.

    Raises OSError before anything happened when the kernel refuses the namespaces. When it refuses
    a mount, process 1 raises, and the guardian ends as it does.
    """
    user, group = os.getuid(), os.getgid()
    flags = _NEW_MOUNTS | _NEW_IPC | _NEW_PROCESSES | (0 if network else _NEW_NETWORK)
    if user == 0:
        kernel.unshare(flags)
    else:
        kernel.unshare(flags | _NEW_USER)
        _keep_identity(user, group)
    child = os.fork()
    if child:
        _guard(child)
    kernel.die_with_parent(signal.SIGKILL)
    _mount_own()
    _bound_tasks()
    if not network:
        _raise_loopback()


def _keep_identity(user: int, group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _guard(child: int) -> None:
    os.closerange(0, 65_536)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _mount_own() -> None:
    quiet = _NO_SUID | _NO_DEVICES | _NO_EXECUTE
    kernel.mount("none", "/", kind="none", flags=_RECURSIVE | _PRIVATE)
    kernel.mount("proc", "/proc", kind="proc", flags=quiet)
    kernel.mount("tmpfs", "/dev/shm", kind="tmpfs", flags=quiet, options=_SHARED_MEMORY)


def counts_its_own_tasks() -> bool:
    """Tell whether the kernel bounds the tasks of each namespace (from Linux 6.14 on); where it
    does not, the same setting is the whole machine's."""
    major, minor = (int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    return (major, minor) >= (6, 14)


def _bound_tasks() -> None:
    """Set a wall for all runs of a warm parent together: their own limit is counted, not walled."""
    if counts_its_own_tasks():
        with suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:
            file.write(str(MAX_TASKS_TOGETHER))


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        order = struct.pack("16sH14x", b"lo", _UP_AND_RUNNING)
        fcntl.ioctl(asking, _SET_INTERFACE_FLAGS, order)
