"""A warm parent: one zygote, the processes forked from it, and the folders these run in.

A process is for one run, or (warm) for run after run. In the place of one that ended with its run
the next one is forked ahead: it waits, isolated already.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from puras.server.worker.isolation.layers import Policy
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.run_folder import RunFolder, RunFolders, is_untouched
from puras.server.worker.process.run_process import RunProcess
from puras.server.worker.process.skill_modules import Entry
from puras.server.worker.process.zygote_line import ZygoteGone, ZygoteLine
from puras.server.worker.spec import RunSpec

MAX_WARM_RUNS = 1_000
MAX_WARM_SECONDS = 3_600.0
MAX_IDLE_PROCESSES = 16
MAX_AHEAD = 4


class WarmParent:
    """Make it with `start`. `users` counts the runs that need it now."""

    def __init__(self, folders: RunFolders, policy: Policy) -> None:
        self.users = 0
        self._folders = folders
        self._policy = policy
        self._numbers = itertools.count(1)
        self._idle: list[RunProcess] = []
        self._untouched: list[Path] = []
        self._background: set[asyncio.Future[None]] = set()
        self._line: ZygoteLine

    @property
    def pid(self) -> int:
        return self._line.pid

    @property
    def gone(self) -> asyncio.Future[None]:
        """Done when the zygote has ended."""
        return self._line.gone

    @classmethod
    async def start(
        cls, spec: RunSpec, folders: RunFolders, *, policy: Policy, mark: str
    ) -> WarmParent:
        """Start a zygote and wait until it is isolated. Raises ZygoteBroken, ZygoteGone."""
        parent = cls(folders, policy)
        try:
            parent._line = await ZygoteLine.open(
                spec, policy=policy, mark=mark, on_import=parent._note_import
            )
        except BaseException:
            await parent._clear_all()
            raise
        parent.gone.add_done_callback(lambda _: parent._let_idle_go())
        return parent

    async def process_for(self, spec: RunSpec) -> RunProcess:
        """Return a process for one run: one that waits for it, or a new fork. Raises ZygoteGone."""
        entry, once = entry_of(spec), spec.process == "fresh"
        for process in [idle for idle in self._idle if idle.exited.done()]:
            self._idle.remove(process)
            process.channel.close()
            self._clear(process.folder)
        for process in self._idle:
            if process.fits(entry, spec.memory_bytes, once=once):
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
        if len(ahead) >= MAX_AHEAD:
            return
        try:
            process = await self._fork(entry, memory_bytes, once=True)
        except ZygoteGone:
            return
        self._idle.append(process)
        if self.gone.done():
            self._let_idle_go()

    def _note_import(self, path: str) -> None:
        self._in_background(self._fork_again(path))

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
        """Kill every process of the zygote, and itself, and return when they are dead."""
        await self._line.end()
        await self._clear_all()

    async def _clear_all(self) -> None:
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.to_thread(remove, Path(self._policy.writable))

    def _let_idle_go(self) -> None:
        while self._idle:
            self._idle.pop().channel.close()

    async def _fork(self, entry: Entry, memory_bytes: int, *, once: bool) -> RunProcess:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        process = RunProcess(
            number=next(self._numbers),
            entry=entry,
            memory_bytes=memory_bytes,
            once=once,
            folder=self._process_folder(once=once),
            channel=ours,
            kill=lambda: self._line.kill(process),
        )
        if once:
            process.untouched = process.folder
        try:
            with theirs:
                await self._line.fork(process, channel=theirs)
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


def entry_of(spec: RunSpec) -> Entry:
    file, _, function = spec.entrypoint.rpartition(":")
    return Entry(
        bundle=str(spec.bundle),
        folder=os.path.normpath(spec.bundle / spec.skill_folder),
        file=file,
        function=function,
    )
