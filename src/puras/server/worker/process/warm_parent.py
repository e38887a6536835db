"""The worker's handle on one warm parent, and on the processes forked from it.

`zygote` tells what happens at the other end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import subprocess
import time
from collections.abc import Coroutine, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from puras.server.worker.isolation.layers import Policy
from puras.server.worker.process import confined, processes
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.outcomes import Exit
from puras.server.worker.process.run_folder import RunFolder, RunFolders, is_untouched
from puras.server.worker.process.run_process import RunProcess, send
from puras.server.worker.process.skill_modules import Entry
from puras.server.worker.spec import RunSpec

MAX_WARM_RUNS = 1_000
MAX_WARM_SECONDS = 3_600.0
MAX_IDLE_PROCESSES = 16
MAX_AHEAD = 4
_START_SECONDS = 30.0
_KILL_SECONDS = 1.0
_END_SECONDS = 2.0
_CONTROL_BYTES = 64 * 1024
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *_PROXIES,
    *(name.upper() for name in _PROXIES),
)
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from puras.server.worker.process.zygote import main\n"
    "main(*map(int, sys.argv[2:]))"
)


class ZygoteBroken(Exception):
    """No warm parent can be started for this deployment; the text says why."""


class ZygoteGone(Exception):
    """The warm parent ended while it was needed."""


class WarmParent:
    """One zygote. `users` counts the runs that need it now; `gone` is done when it has ended."""

    def __init__(
        self, folders: RunFolders, *, policy: Policy, popen: subprocess.Popen[bytes]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.users = 0
        self.gone: asyncio.Future[None] = loop.create_future()
        self._folders = folders
        self._policy = policy
        self._popen = popen
        self._ready: asyncio.Future[None] = loop.create_future()
        self._numbers = itertools.count(1)
        self._processes: dict[int, RunProcess] = {}
        self._idle: list[RunProcess] = []
        self._untouched: list[Path] = []
        self._background: set[asyncio.Future[None]] = set()
        self._ending: asyncio.Task[None] | None = None
        self._control: socket.socket

    @property
    def pid(self) -> int:
        return self._popen.pid

    @classmethod
    async def start(
        cls, spec: RunSpec, folders: RunFolders, *, policy: Policy, mark: str
    ) -> WarmParent:
        """Start a zygote and wait until it is isolated. Raises ZygoteBroken."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            popen = _popen(spec, policy=policy, control=theirs, mark=mark)
        parent = cls(folders, policy=policy, popen=popen)
        await parent._connect(ours)
        return parent

    async def process_for(self, spec: RunSpec) -> RunProcess:
        """Return a process for one run: one that waits for it, or a new fork. Raises ZygoteGone."""
        entry, once = entry_of(spec), spec.process == "fresh"
        for process in list(self._idle):
            if process.exited.done():
                self._idle.remove(process)
                self._clear(process.folder)
            elif process.fits(entry, spec.memory_bytes, once=once):
                self._idle.remove(process)
                return process
        return await self._fork(entry, spec.memory_bytes, once=once)

    def folder_for(self, process: RunProcess) -> RunFolder:
        """Return the folder of the next run of a process."""
        user = self._policy.user
        path, process.untouched = process.untouched, None
        return RunFolder.open(path or self._folders.for_run(process.folder, user), user)

    async def leave_folder(self, process: RunProcess, folder: RunFolder) -> None:
        """Clear the folder of a run of a warm process, before the process has its next one."""
        folder.leave()
        if process.once:
            return
        if is_untouched(folder.path):
            process.untouched = self._folders.for_next(folder.path)
        else:
            await asyncio.to_thread(remove, folder.path)

    async def give_back(self, process: RunProcess) -> None:
        """Keep a warm process for its next run, or see that it ends. In the place of one that ends
        with its run the next one is forked ahead: it waits, isolated already, for the next run."""
        is_young = time.monotonic() - process.born < MAX_WARM_SECONDS
        is_fit = not process.once and is_young and process.runs < MAX_WARM_RUNS
        if is_fit and self._has_room() and not process.exited.done():
            self._idle.append(process)
            return
        await self._retire(process)
        if process.once and self._has_room():
            self._in_background(self._fork_ahead(process.entry, process.memory_bytes))

    def _has_room(self) -> bool:
        return len(self._idle) < MAX_IDLE_PROCESSES

    async def _fork_ahead(self, entry: Entry, memory_bytes: int) -> None:
        ahead = [process for process in self._idle if process.once and process.entry == entry]
        if len(ahead) >= MAX_AHEAD or self._ending is not None:
            return
        try:
            process = await self._fork(entry, memory_bytes, once=True)
        except ZygoteGone:
            return
        if self.gone.done():
            process.channel.close()
        else:
            self._idle.append(process)

    async def _fork_again(self, path: str) -> None:
        """Replace the processes that were forked before their entry's module was imported."""
        for process in [idle for idle in self._idle if idle.once and idle.entry.path == path]:
            self._idle.remove(process)
            await self._retire(process)
            await self._fork_ahead(process.entry, process.memory_bytes)

    async def _retire(self, process: RunProcess) -> None:
        process.channel.close()
        await process.kill()
        self._clear(process.folder)

    def _clear(self, folder: Path) -> None:
        """See to a folder that nobody can reach any more, out of everybody's way."""
        if len(self._untouched) < MAX_IDLE_PROCESSES and is_untouched(folder):
            self._untouched.append(folder)
        else:
            self._in_background(asyncio.to_thread(remove, folder))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def end(self) -> None:
        """Kill every process of this zygote, and itself, and return when they are dead."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        self._close()
        try:
            await asyncio.to_thread(self._popen.wait, _END_SECONDS)
        except subprocess.TimeoutExpired:
            processes.kill_family(self._popen.pid)
            await asyncio.to_thread(self._popen.wait)
        if self._popen.stderr is not None:
            self._popen.stderr.close()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.to_thread(remove, Path(self._policy.writable))

    async def _connect(self, control: socket.socket) -> None:
        self._control = control
        asyncio.get_running_loop().add_reader(control, self._listen)
        try:
            await asyncio.wait(
                (self._ready, self.gone),
                timeout=_START_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not self._ready.done():
                self._popen.kill()
                _, said = await asyncio.to_thread(self._popen.communicate)
                raise ZygoteBroken(f"the interpreter could not start: {_last_line(said)}")
        except BaseException:
            await self.end()
            raise

    async def _fork(self, entry: Entry, memory_bytes: int, *, once: bool) -> RunProcess:
        number = next(self._numbers)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        process = RunProcess(
            number=number,
            entry=entry,
            memory_bytes=memory_bytes,
            once=once,
            folder=self._process_folder(once=once),
            channel=ours,
            kill=lambda: self._kill(process),
        )
        if once:
            process.untouched = process.folder
        self._processes[number] = process
        try:
            with theirs:
                await self._order(process.order(), descriptors=[theirs.fileno()])
        except BaseException:
            ours.close()
            raise
        return process

    def _process_folder(self, *, once: bool) -> Path:
        parent, user = Path(self._policy.writable), self._policy.user
        if not once:
            return self._folders.for_process(parent, user)
        if self._untouched:
            return self._folders.for_next(self._untouched.pop())
        return self._folders.for_run(parent, user)

    async def _kill(self, process: RunProcess) -> None:
        if process.exited.done():
            return
        try:
            await self._order({"kill": process.number})
        except ZygoteGone:
            return
        await asyncio.wait((process.exited,), timeout=_KILL_SECONDS)
        if not process.exited.done():
            await self.end()

    async def _order(
        self, order: Mapping[str, Any], *, descriptors: list[int] | None = None
    ) -> None:
        if self.gone.done():
            raise ZygoteGone
        try:
            await send(self._control, json.dumps(order).encode(), descriptors=descriptors or [])
        except OSError:
            self._close()
            raise ZygoteGone from None

    def _listen(self) -> None:
        try:
            data = self._control.recv(_CONTROL_BYTES)
            message = json.loads(data) if data else {}
        except BlockingIOError:
            return
        except (OSError, ValueError):
            message = {}
        if not message:
            self._close()
        elif "exited" in message:
            self._note_exit(message)
        elif "imported" in message:
            self._in_background(self._fork_again(message["imported"]))
        elif not self._ready.done():
            self._ready.set_result(None)

    def _note_exit(self, message: Mapping[str, Any]) -> None:
        process = self._processes.pop(message["exited"], None)
        if process is not None:
            process.exited.set_result(Exit(message["status"], message["why"]))

    def _close(self) -> None:
        if self.gone.done():
            return
        self.gone.set_result(None)
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        for process in self._idle:
            process.channel.close()
        for process in self._processes.values():
            process.exited.set_result(Exit(None))
        self._processes.clear()


def entry_of(spec: RunSpec) -> Entry:
    file, _, function = spec.entrypoint.rpartition(":")
    return Entry(
        bundle=str(spec.bundle),
        folder=os.path.normpath(spec.bundle / spec.skill_folder),
        file=file,
        function=function,
    )


def _popen(
    spec: RunSpec, *, policy: Policy, control: socket.socket, mark: str
) -> subprocess.Popen[bytes]:
    """Start the interpreter. Secrets are no part of its environment: the dynamic linker obeys some
    variables, and the process is not isolated yet; the zygote sets them once it is. They pass
    through memory: not through a file on disk, and not through arguments, which all can read."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment.setdefault("LANG", "C.UTF-8")
    with os.fdopen(os.memfd_create("puras-start"), "wb") as start:
        secrets = dict(spec.environment)
        start.write(json.dumps({"policy": asdict(policy), "environment": secrets}).encode())
        start.flush()
        start.seek(0)
        numbers = (control.fileno(), start.fileno())
        program = (str(spec.python), "-I", "-X", "utf8", "-c", _BOOT)
        return subprocess.Popen(
            confined.command_line(policy, [*program, policy.runtime, *map(str, numbers)]),
            env={**environment, processes.MARK: mark},
            pass_fds=numbers,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"
