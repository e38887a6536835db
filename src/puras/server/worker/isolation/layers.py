"""The isolation of runs, in layers, each used where the kernel allows it.

    session        its own session and process group, no terminal
    limits         memory, open files, file size, processes
    namespaces     its own process numbers, /proc and /dev/shm; the kernel ends them all together
    network        none, where the operator wants that; else all that the server has
    user           another user, when the server is root and that user can reach what a run needs
    capabilities   none left
    privileges     none to be gained by starting a program
    landlock       a read-only view outside of the run's folder; nothing at all of the data folder
    seccomp        no ptrace, no mounts, no namespaces, no kernel interfaces a skill has no use for

`confine` is for the warm parent, before its interpreter starts; `narrow` for each process
forked from it, which keeps only the folder of its own run.
"""

from __future__ import annotations

import functools
import os
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from puras.server.worker.isolation import kernel, landlock, namespaces, seccomp
from puras.server.worker.isolation.landlock import View

MAX_OPEN_FILES = 1024
MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
MAX_TASKS = 512
"""Processes and threads of one run."""

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin")
_MACHINE = ("/proc", "/sys/devices/system", "/sys/fs/cgroup", "/dev/random", "/dev/urandom")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
PREFIX_PARTS = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the warm parent may touch.

    bundle      the deployment's folder, to be read
    runtime     the folder that `puras` is imported from
    writable    the folder of its runs
    home        the data folder: never readable through a path that contains it
    user        the user to become, or None
    namespaces  whether to make namespaces (the kernel is known to allow them)
    network     whether there is a network
    also        more that may be read
    """

    bundle: str
    runtime: str
    writable: str
    home: str
    user: int | None = None
    namespaces: bool = False
    network: bool = True
    also: tuple[str, ...] = ()

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Policy:
        """Make a policy from what JSON made of one."""
        return cls(**{**fields, "also": tuple(fields["also"])})


def confine(policy: Policy) -> None:
    """Take every layer, for good. With namespaces this returns in another process: see there.

    Raises OSError where nothing can keep this process from a network that it must not have.
    """
    if policy.namespaces:
        namespaces.enter(network=policy.network)
    system = (*_SYSTEM, *_MACHINE, *_public_configuration(), *_own_paths(policy))
    readable = [part for path in system for part in _without(path, policy.home)]
    view = View(
        (*readable, *policy.also, policy.bundle, policy.runtime), _writable(policy, policy.writable)
    )
    limit_files()
    drop_privileges(policy.user)
    kernel.forbid_new_privileges()
    landlock.restrict(view)
    # In a network namespace, sockets reach nothing but this process's own loopback.
    network = policy.network or policy.namespaces
    if not seccomp.restrict(network=network) and not network:
        raise OSError("the network can't be cut: there are neither namespaces nor seccomp here")


def prepare(policy: Policy) -> None:
    """Find out ahead, before any fork, what `narrow` would find out in each of them."""
    _own_paths(policy)


def narrow(policy: Policy, *, folder: str, memory_bytes: int) -> None:
    """Leave only one run's folder and memory to this process and its children.

    The memory limit counts what a process keeps for itself (RLIMIT_DATA): a limit on addresses
    would refuse programs that reserve far more than they use.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    readable = (*_SYSTEM, "/etc", *_MACHINE, *_own_paths(policy), policy.bundle, policy.runtime)
    landlock.restrict(View(readable, _writable(policy, folder)))


def limit_files() -> None:
    """Set the limits that do not depend on a run; a lower one that is there already stays."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
    ):
        _, hard = resource.getrlimit(kind)
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lowest, lowest))


def drop_privileges(user: int | None) -> None:
    """Give up every capability and, where a user is given, root itself."""
    if not has_capabilities():
        return
    kernel.drop_bounding_capabilities()
    if user is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (MAX_TASKS, MAX_TASKS))
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        kernel.stay_readable_to_itself()
    kernel.drop_capabilities()


def has_capabilities() -> bool:
    with open("/proc/self/status") as status:
        held = next(line for line in status if line.startswith("CapPrm:"))
    return int(held.split()[1], 16) != 0


def _writable(policy: Policy, folder: str) -> tuple[str, ...]:
    return (folder, *_DEVICES, *(("/dev/shm",) if policy.namespaces else ()))


@functools.cache
def _own_paths(policy: Policy) -> tuple[str, ...]:
    """The interpreter, its environment, the package that `puras` is, certificates, resolver."""
    executable = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, executable}
    parts = [os.path.join(prefix, part) for prefix in sorted(prefixes) for part in PREFIX_PARTS]
    named = [os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    behind_links = [
        os.path.realpath(path) for path in (*named, "/etc/resolv.conf", "/etc/hosts") if path
    ]
    package = os.path.realpath(os.path.join(policy.runtime, "puras"))
    return tuple(path for path in (*parts, *behind_links, package) if os.path.exists(path))


def _public_configuration() -> Iterator[str]:
    """What of /etc every user may read: a server that is root could read the rest too."""
    for entry in os.scandir("/etc"):
        try:
            needed = 0o005 if entry.is_dir() else 0o004
            if entry.stat().st_mode & needed == needed:
                yield entry.path
        except OSError:
            continue


def _without(path: str, home: str) -> Iterable[str]:
    """Return the path, or all that lies in it beside `home` where it contains that."""
    if os.path.commonpath([os.path.realpath(path), home]) != os.path.realpath(path):
        return [path]
    if os.path.realpath(path) == home:
        return []
    return [part for entry in os.scandir(path) for part in _without(entry.path, home)]
