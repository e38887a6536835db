"""Which layers of the isolation hold on this machine: a throw-away process takes them and tells."""

from __future__ import annotations

import functools
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from puras.server.worker.isolation import kernel, landlock, layers, namespaces, seccomp

_FIRST_USER = 61_184
_USERS = 4_000
_TIMEOUT_SECONDS = 20


class Layer(NamedTuple):
    """One layer of the isolation; `why` says what it gives, or why it is not there."""

    name: str
    active: bool
    why: str


_GIVES_AND_LACKS: dict[str, tuple[str, str]] = {
    "session": ("each run heads a session of its own", "no process could be started"),
    "limits": ("memory, open files, file size and processes are limited", "limits were refused"),
    "namespaces": (
        "runs see only their own processes, and the kernel ends them with their warm parent",
        "not allowed to this user; what a killed server leaves behind is killed at the next start",
    ),
    "network": (
        "runs have none",
        "runs reach what the server reaches, ports of this machine too: set "
        "PURAS_SKILL_NETWORK=none where they need none",
    ),
    "user": (
        "runs have a user of their own",
        "the server is not root, or another user can't reach the interpreter or the data folder",
    ),
    "capabilities": ("runs hold none", "they could not be dropped"),
    "privileges": ("no program that a run starts gains any", "the kernel has no such switch"),
    "landlock": (
        "runs write only to their own folder and can't read the data folder",
        "the kernel has none (it came with Linux 5.13), or it is switched off",
    ),
    "reach": (
        "signals and abstract sockets of a run end at its own processes",
        "the kernel's Landlock can't do that (from Linux 6.12 on it can): where there are no "
        "namespaces, runs could signal processes of their user",
    ),
    "seccomp": (
        "system calls that no skill needs are refused",
        "the kernel has no filters, or none is written for this machine's architecture",
    ),
    "bubblewrap": ("", "not used: the namespaces above are made without it"),
}


def report(paths: Iterable[Path] = (), *, network: bool = True) -> list[Layer]:
    """Return every layer. `paths` are those that a run's user would have to reach; `network` is
    whether runs are meant to have one."""
    user = user_for(0, [Path(sys.executable), *paths])
    found = _try(user, with_namespaces=namespaces_work(), network=network)
    return [
        Layer(name, found.get(name, False), gives if found.get(name, False) else lacks)
        for name, (gives, lacks) in _GIVES_AND_LACKS.items()
    ]


@functools.cache
def namespaces_work() -> bool:
    """Tell whether the kernel lets this user make namespaces and mount in them."""
    return _try(None, with_namespaces=True).get("namespaces", False)


def user_for(number: int, paths: Iterable[Path]) -> int | None:
    """Choose a user for the n-th warm parent; None when the server is not root, or when such a
    user could not reach one of the paths."""
    if os.geteuid() != 0 or not all(_open_to_others(path) for path in paths):
        return None
    return _FIRST_USER + number % _USERS


def _open_to_others(path: Path) -> bool:
    real = path.resolve()
    if not real.exists():
        return False
    folders_open = all(folder.stat().st_mode & 0o001 for folder in real.parents)
    return folders_open and bool(real.stat().st_mode & 0o004)


def _try(user: int | None, *, with_namespaces: bool, network: bool = True) -> dict[str, bool]:
    package = str(Path(__file__).parents[4])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from puras.server.worker.isolation.probe import take_every_layer as take\n"
        f"take({user!r}, with_namespaces={with_namespaces!r}, network={network!r})"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, package],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        start_new_session=True,
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def take_every_layer(user: int | None, *, with_namespaces: bool, network: bool) -> None:
    """Give up everything and print, as JSON, what holds. Only for a process of its own."""
    leads_session = os.getsid(0) == os.getpid()
    stdout = os.dup(1)
    if with_namespaces:
        namespaces.enter(network=network)
    layers.limit_files()
    layers.drop_privileges(user)
    kernel.forbid_new_privileges()
    found = {
        "session": leads_session,
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= layers.MAX_OPEN_FILES,
        "namespaces": with_namespaces and os.getpid() == 1,
        "user": user is not None and os.getuid() == user,
        "capabilities": not layers.has_capabilities(),
        "privileges": True,
        "landlock": landlock.restrict(landlock.View((), ("/",))),
        "reach": landlock.abi() >= landlock.SCOPES_ABI,
        "seccomp": seccomp.restrict(network=network or with_namespaces),
    }
    found["network"] = not network and (found["namespaces"] or found["seccomp"])
    os.write(stdout, json.dumps(found).encode())
