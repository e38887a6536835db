"""The warm parent: a small program, run by a deployment's own interpreter, that forks its runs.

Starting an interpreter and importing a skill's libraries takes from twenty milliseconds to seconds;
forking a process that has them takes one. So one warm parent (a *zygote*) stays up for each
deployment, environment, workspace and version of the secrets, and every run is a fork of it.

What it may be trusted with. It was isolated before its interpreter started (`confined`). It holds
no descriptor but its control socket, no job token and no inputs: those reach a run over the run's
own channel, whose end travels through here unread. It is therefore no loss that a skill's module,
imported here, could do what it likes: it sees what its own runs see.

When it imports ahead. Forking a process that has threads is unsafe, and descriptors or children
made by an import would be shared by all runs. So the first run of an entry imports for itself while
a *scout*, another fork, tries the import and looks: no new thread, descriptor or child, then the
zygote imports it too, and later runs find it there.

How its runs end. Every run leads a session and is a subreaper, so what it starts stays below it. A
run that is over leaves its orphans to the zygote, whose children are runs and scouts and nothing
else: any other is killed, and only then the run is said to be over. Four times a second each run's
family is counted: too many tasks or too much memory ends it. When the control socket closes, the
worker is gone: everything below is killed, and the zygote ends. Standard library only.

Messages, JSON, one each: from the worker `{fork, folder, memory_bytes, once, entry}` with the run's
channel attached, and `{kill}`; to the worker `{ready}`, `{imported}` and `{exited, status, why}`.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import resource
import select
import signal
import socket
import time
from dataclasses import dataclass
from typing import Any, NoReturn

from puras.server.worker.isolation import kernel, layers
from puras.server.worker.process import clearing, invocation, processes
from puras.server.worker.process.masking import Masker
from puras.server.worker.process.skill_modules import Entry, SkillModules

_MESSAGE_BYTES = 64 * 1024
_WATCH_SECONDS = 0.25
_SCOUT_SECONDS = 60.0
_SHARED_MEMORY = "/dev/shm"
_PAGE_BYTES = resource.getpagesize()


@dataclass(slots=True)
class _Run:
    number: int
    memory_bytes: int
    why: str | None = None


@dataclass(slots=True)
class _Scout:
    entry: Entry
    deadline: float


def main(control_descriptor: int, start_descriptor: int) -> None:
    """Serve the worker at the other end of the control socket. This process is isolated already."""
    control = socket.socket(fileno=control_descriptor)
    with open(start_descriptor, "rb") as file:
        start = json.load(file)
    kernel.become_subreaper()
    invocation.silence()
    os.environ.update(start["environment"])
    masker = Masker(start["environment"].values())
    Zygote(control, layers.Policy.read(start["policy"]), masker=masker).serve()


class Zygote:
    """Forks runs, and knows which of its children are what."""

    def __init__(self, control: socket.socket, policy: layers.Policy, *, masker: Masker) -> None:
        self._control = control
        self._policy = policy
        self._masker = masker
        self._modules = SkillModules()
        self._scouted: set[str] = set()
        self._runs: dict[int, _Run] = {}
        self._scouts: dict[int, _Scout] = {}
        self._exits: dict[int, int] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._next_watch = 0.0
        layers.prepare(policy)

    def serve(self) -> NoReturn:
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        os.chdir("/")
        gc.freeze()
        self._tell({"ready": True})
        while True:
            busy = self._runs or self._scouts
            events = self._poll.poll(_WATCH_SECONDS * 1000 if busy else None)
            for descriptor, _ in events:
                if descriptor == self._control.fileno():
                    self._obey()
                elif descriptor in self._exits:
                    self._reap(descriptor)
            if time.monotonic() >= self._next_watch:
                self._watch()

    def _obey(self) -> None:
        flags = socket.MSG_CMSG_CLOEXEC
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 1, flags)
        except OSError:  # a worker that was killed had not read all that it was told
            data = b""
        if not data:
            self._end()
        order = json.loads(data)
        if "fork" in order:
            self._fork_run(order, socket.socket(fileno=descriptors[0]))
        for pid, run in self._runs.items():
            if run.number == order.get("kill"):
                processes.kill_family(pid)

    def _fork_run(self, order: dict[str, Any], channel: socket.socket) -> None:
        entry = Entry(**order["entry"])
        pid = os.fork()
        if pid == 0:
            self._become_run(order, channel, entry)
        channel.close()
        self._runs[pid] = _Run(order["fork"], order["memory_bytes"])
        self._follow(pid)
        if entry.path not in self._scouted:
            self._scouted.add(entry.path)
            self._fork_scout(entry, order["memory_bytes"])

    def _become_run(self, order: dict[str, Any], channel: socket.socket, entry: Entry) -> NoReturn:
        try:
            self._become_child(keep=channel.fileno())
            layers.narrow(self._policy, folder=order["folder"], memory_bytes=order["memory_bytes"])
            invocation.serve(channel, entry, self._modules, once=order["once"], masker=self._masker)
        finally:
            os._exit(70)

    def _fork_scout(self, entry: Entry, memory_bytes: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_scout(entry, memory_bytes)
        self._scouts[pid] = _Scout(entry, time.monotonic() + _SCOUT_SECONDS)
        self._follow(pid)

    def _become_scout(self, entry: Entry, memory_bytes: int) -> NoReturn:
        is_safe = False
        try:
            self._become_child(keep=-1)
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
            before = len(os.listdir("/proc/self/fd"))
            self._modules.keep(entry)
            is_safe = (
                len(os.listdir("/proc/self/task")) == 1
                and len(os.listdir("/proc/self/fd")) == before
                and not processes.children(os.getpid())
            )
        finally:
            os._exit(0 if is_safe else 1)

    def _become_child(self, *, keep: int) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        kernel.die_with_parent(signal.SIGKILL)
        kernel.become_subreaper()
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor != keep:
                _close(descriptor)

    def _follow(self, pid: int) -> None:
        descriptor = os.pidfd_open(pid)
        self._exits[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)

    def _reap(self, descriptor: int) -> None:
        pid = self._exits.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        run, scout = self._runs.pop(pid, None), self._scouts.pop(pid, None)
        self._kill_orphans()
        if self._policy.namespaces and not self._runs:
            clearing.empty(_SHARED_MEMORY)
        if run is not None:
            self._tell({"exited": run.number, "status": status, "why": run.why})
        if scout is not None and status == 0:
            self._import_ahead(scout.entry)

    def _kill_orphans(self) -> None:
        known = self._runs.keys() | self._scouts.keys()
        while orphans := set(processes.children(os.getpid())) - known:
            for pid in orphans:
                processes.kill_family(pid)
            for pid in orphans:
                os.waitpid(pid, 0)

    def _import_ahead(self, entry: Entry) -> None:
        try:
            function = self._modules.keep(entry)
        except BaseException:
            return
        if inspect.iscoroutinefunction(function):
            importlib.import_module("asyncio")
        gc.collect()
        gc.freeze()
        self._tell({"imported": entry.path})

    def _watch(self) -> None:
        now = time.monotonic()
        self._next_watch = now + _WATCH_SECONDS
        for pid, scout in self._scouts.items():
            if now > scout.deadline:
                processes.kill_family(pid)
        for pid, run in self._runs.items():
            run.why = run.why or _excess(processes.family(pid), run.memory_bytes)
            if run.why:
                processes.kill_family(pid)

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        for pid in (*self._runs, *self._scouts):
            processes.kill_family(pid)
        self._runs.clear()
        self._scouts.clear()
        self._kill_orphans()
        os._exit(0)


def _excess(family: list[int], memory_bytes: int) -> str | None:
    """Name the limit that a run's family is over. Shared pages are counted only when it matters."""
    if sum(_count(f"/proc/{pid}/task") for pid in family) > layers.MAX_TASKS:
        return "processes"
    if sum(map(_resident_bytes, family)) <= memory_bytes:
        return None
    return "memory" if sum(map(_proportional_bytes, family)) > memory_bytes else None


def _count(folder: str) -> int:
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return _resident_bytes(pid)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass
