"""Runs functions: one value, the spec, on its way from a queued attempt to an outcome.

A run takes these steps, each of them here in one short function, in this order:

    obtain      the warm parent of its deployment, environment, workspace and secrets (`zygotes`)
    fork        a process for it alone, or an idle warm one (`warm_parent`)
    furnish     its folder, its socket for the helpers, its stdout and stderr
    exchange    the request goes over the channel, the reply comes back, the process ends
    drain       what it printed last is read
    judge       reply, exit status and what we did to it become an outcome (`outcomes`)
    clear       the folder is removed, whatever happened before: that of a process which ends with
                its run goes a moment after it, for nobody can look into it any more

**What may go wrong, and where it is caught.** The skill fails: the process says so in its reply.
The process dies: the zygote reports how, and the channel ends. It takes too long: the zygote is
told to kill it. The zygote dies: its control socket closes, and every run of it is lost (`Lost`:
the worker tries again). The worker wants the run gone, by cancelling `run` or by `kill`: its
processes are dead before either returns. The worker itself is killed: the zygotes see their sockets
close, and the kernel sees to those that do not; what is left is found by its mark at the next
start.

**Why a cancelled run still waits.** Cancelling takes two turns of the event loop and one message to
the zygote. Only then is the place given free, so a run that was killed never shares its slot, or
its files, with the one that follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from puras.server.worker.isolation import probe
from puras.server.worker.process.disk import bounded
from puras.server.worker.process.masking import Masker
from puras.server.worker.process.outcomes import Exit, Verdict, outcome_of
from puras.server.worker.process.output import Output, emit_log
from puras.server.worker.process.processes import data_mark, reap_marked
from puras.server.worker.process.run_folder import RunFolder, RunFolders
from puras.server.worker.process.run_process import RunProcess, Unreadable
from puras.server.worker.process.skill_socket import SkillSocket
from puras.server.worker.process.warm_parent import WarmParent
from puras.server.worker.process.zygote_line import ZygoteBroken, ZygoteGone
from puras.server.worker.process.zygotes import MAX_ZYGOTES, Zygotes
from puras.server.worker.spec import Failed, Lost, Outcome, RunHost, RunSpec
from puras.server.worker.time_limit import limited

IDLE_SECONDS = 300.0
DISK_BYTES = 10 << 30
_EXIT_SECONDS = 2.0


class FunctionRunner:
    """Runs functions in processes of their own. Make it with `open`, before the first run."""

    def __init__(self, folders: RunFolders, *, zygotes: Zygotes, disk_bytes: int) -> None:
        self._folders = folders
        self._disk_bytes = disk_bytes
        self._zygotes = zygotes
        self._running: dict[str, RunProcess] = {}
        self._killed: set[RunProcess] = set()

    @classmethod
    async def open(
        cls,
        home: Path,
        *,
        idle_seconds: float = IDLE_SECONDS,
        max_zygotes: int = MAX_ZYGOTES,
        namespaces: bool | None = None,
        network: bool = True,
        disk_bytes: int = DISK_BYTES,
    ) -> FunctionRunner:
        """Kill and remove what an earlier worker of this data folder left, then be ready.

        `idle_seconds` is how long a warm parent stays without a run; `namespaces` None means: where
        the kernel allows them. `network` off: runs have none. `disk_bytes` is the most
        that a run may have in its folder.
        """
        await asyncio.to_thread(reap_marked, data_mark(home))
        if namespaces is None:
            namespaces = await asyncio.to_thread(probe.namespaces_work)
        folders = await asyncio.to_thread(RunFolders, home)
        zygotes = Zygotes(
            home,
            folders,
            idle_seconds=idle_seconds,
            limit=max_zygotes,
            namespaces=namespaces,
            network=network,
        )
        return cls(folders, zygotes=zygotes, disk_bytes=disk_bytes)

    async def run(self, spec: RunSpec, host: RunHost) -> Outcome:
        """Run to the end. Cancelling this kills the run's processes before it returns."""
        try:
            parent = await self._zygotes.obtain(spec)
        except ZygoteBroken as error:
            return Failed("deployment_broken", str(error), "the skill's environment is broken")
        except ZygoteGone as error:
            return Lost(str(error))
        try:
            async with self._process(spec, parent) as process:
                folder = parent.folder_for(process)
                try:
                    return await self._run_in(process, folder, spec, host)
                finally:
                    await _to_the_end(parent.leave_folder(process, folder))
        except ZygoteGone as error:
            return Lost(str(error))
        finally:
            await _to_the_end(self._zygotes.release(spec, parent))

    async def kill(self, job_id: str) -> None:
        """Kill every process of a job's run and return when they are dead; unknown: nothing."""
        process = self._running.get(job_id)
        if process is not None:
            self._killed.add(process)
            await process.kill()

    async def close(self) -> None:
        """Kill everything that was started."""
        self._killed.update(self._running.values())
        await self._zygotes.close()

    @asynccontextmanager
    async def _process(self, spec: RunSpec, parent: WarmParent) -> AsyncIterator[RunProcess]:
        process = await parent.process_for(spec)
        self._running[spec.job_id] = process
        try:
            yield process
        except BaseException:
            await _to_the_end(process.kill())
            raise
        finally:
            if self._running.get(spec.job_id) is process:
                del self._running[spec.job_id]
            self._killed.discard(process)
            await _to_the_end(parent.give_back(process))

    async def _run_in(
        self, process: RunProcess, folder: RunFolder, spec: RunSpec, host: RunHost
    ) -> Outcome:
        masker = Masker(spec.environment.values())
        socket = SkillSocket(
            folder,
            host=host,
            inputs=spec.inputs,
            masker=masker,
            new_call_folder=self._folders.for_call,
        )
        output = Output(host, masker)
        try:
            await socket.open()
            request = _request(spec, folder, token=socket.token)
            with bounded(folder.descriptor, self._disk_bytes, process.kill) as disk:
                verdict = await self._exchange(process, request, output, spec)
            if disk.exceeded:
                verdict = replace(verdict, over_bytes=self._disk_bytes)
            await output.drained()
            _show_traceback(verdict, host, masker)
            return outcome_of(verdict, any_result=spec.any_result)
        except BaseException:
            await _to_the_end(process.kill())
            raise
        finally:
            output.close()
            await _to_the_end(socket.close())

    async def _exchange(
        self, process: RunProcess, request: dict[str, Any], output: Output, spec: RunSpec
    ) -> Verdict:
        try:
            async with limited(spec.timeout_seconds, spec.stood_still):
                await process.request(request, descriptors=output.descriptors)
                output.hand_over()
                reply = await process.reply()
        except TimeoutError:
            await process.kill()
            return Verdict(timed_out_seconds=spec.timeout_seconds)
        except Unreadable as unreadable:
            await process.kill()
            return Verdict(unreadable=str(unreadable))
        ended = await _ended(process) if reply is None or reply.get("retire") else None
        return Verdict(reply=reply, exit=ended, killed=process in self._killed)


def _request(spec: RunSpec, folder: RunFolder, *, token: str) -> dict[str, Any]:
    return {
        "folder": str(folder.work),
        "inputs": dict(spec.inputs),
        "environment": {
            **folder.environment(),
            "PURAS_JOB_TOKEN": token,
            "PURAS_JOB_ID": spec.job_id,
            "PURAS_ATTEMPT": str(spec.attempt),
        },
    }


async def _ended(process: RunProcess) -> Exit:
    """Wait for a process that has said its last word, and help one that lingers."""
    await asyncio.wait((process.exited,), timeout=_EXIT_SECONDS)
    await process.kill()
    return await process.exited


def _show_traceback(verdict: Verdict, host: RunHost, masker: Masker) -> None:
    if verdict.reply is not None and verdict.reply.get("traceback"):
        emit_log(host, "error", masker.text(str(verdict.reply["traceback"])))


async def _to_the_end(work: Awaitable[None]) -> None:
    """Finish a piece of clearing up, however often this task is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError
