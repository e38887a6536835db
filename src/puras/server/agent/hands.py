"""The worker's side of an agent's hands: one isolated process a run, for all that its tools do.

    call ──order──▶ hands.next ──▶ the process forks a hand ──▶ hands.done ──▶ call returns
                                                          └───▶ hands.ended, always

The process starts at the first call and stays for the attempt. When it dies (out of memory, killed)
its calls are answered with a refusal that says so, and the next call starts it anew, from the copy
of the working directory that was kept last. The process runs the skill's code, so whatever it says
is taken for what it is: text for a model, and files that were moved out of its reach.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from puras.server.agent.hands_process import Answer, Call, HandsProcess, Order
from puras.server.agent.workspace_copy import MAX_COPY_BYTES, WorkspaceCopies
from puras.server.clock import new_id
from puras.server.home import incoming
from puras.server.settings import Settings
from puras.server.storage.port import StorageUnavailable
from puras.server.worker.process.output import emit_log
from puras.server.worker.run import Ground, Run, folder_of
from puras.server.worker.spec import Runner, RunSpec

AGENT_SECONDS = 3600.0
"""How long an agent may take, where its skill sets no time of its own."""

MAX_CALLS = 8
_PROGRAM = "puras.server.worker.process.hands.program:serve"
_PACK_SECONDS = 120.0


class Hands:
    """Does what tools ask for. Make it with `at`; `used` tells whether it was ever needed."""

    def __init__(
        self,
        run: Run,
        ground: Ground,
        runner: Runner,
        settings: Settings,
        *,
        copies: WorkspaceCopies,
        folder: Path,
    ) -> None:
        self.used = False
        self._run = run
        self._ground = ground
        self._runner = runner
        self._settings = settings
        self._copies = copies
        self._folder = folder
        self._process: HandsProcess | None = None
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()
        self._keeping = asyncio.Lock()
        self._places = asyncio.Semaphore(MAX_CALLS)
        self._mark: str | None = None
        self._warned: str | None = None

    @classmethod
    @asynccontextmanager
    async def at(
        cls,
        run: Run,
        ground: Ground,
        runner: Runner,
        settings: Settings,
        *,
        copies: WorkspaceCopies,
    ) -> AsyncIterator[Hands]:
        """Have hands for one attempt; nothing of them is left after the block."""
        arriving = incoming(settings.home)
        await asyncio.to_thread(arriving.mkdir, mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=arriving, ignore_cleanup_errors=True) as folder:
            hands = cls(run, ground, runner, settings, copies=copies, folder=Path(folder))
            try:
                yield hands
            finally:
                if hands._process is not None:
                    await _patiently(hands._process.close())

    async def call(
        self,
        kind: str,
        arguments: dict[str, Any],
        *,
        timeout: float,
        changes: bool = False,
    ) -> Answer:
        """Have something done, and return what came of it, a refusal at worst.

        `kind` is one of the program's deeds; `timeout` is in seconds. Where the call `changes`
        files, they are kept before it returns, so that no answer tells of what a crash undoes.
        Cancelling this kills what the call started.
        """
        async with self._places:
            answer = await self._call(kind, arguments, timeout)
        if changes:
            await self.keep()
        return answer

    def new_file(self) -> Path:
        """Return a path for a file of the server's own that lives as long as the hands."""
        return self._folder / new_id()

    async def have_files(self) -> bool:
        """Tell whether there may be anything in the working directory yet."""
        return self.used or await self._copies.find(self._run.row["id"]) is not None

    async def keep(self) -> None:
        """Keep the working directory for a later attempt, if it has changed."""
        if self._process is None or self._process.life.done():
            return
        async with self._keeping:
            order = {"since": self._mark, "most_bytes": MAX_COPY_BYTES}
            answer = await self._call("pack", order, _PACK_SECONDS)
            told = answer.value if isinstance(answer.value, dict) else {}
            why = await self._kept(answer)
            if why is None:
                self._mark = str(told.get("mark"))
            else:
                self._warn(why, told.get("mark"))

    async def _kept(self, answer: Answer) -> str | None:
        """Keep what was packed; return why that can't be."""
        if not answer.ok:
            return answer.text
        if answer.file is None:
            return None
        try:
            await self._copies.keep(self._run.row, answer.file)
        except StorageUnavailable as error:
            return str(error)
        finally:
            answer.file.unlink(missing_ok=True)
        return None

    async def _call(self, kind: str, arguments: dict[str, Any], timeout: float) -> Answer:
        process = await self._ready()
        number = next(self._numbers)
        call = process.calls[number] = Call(asyncio.get_running_loop().create_future())
        process.orders.put_nowait({**arguments, "do": kind, "id": number})
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(call.answer)
        except TimeoutError:
            await process.stop(number)
            return Answer(False, f"stopped after {timeout:g} s: let it do less at a time")
        except asyncio.CancelledError:
            await _patiently(process.stop(number))
            raise

    async def _ready(self) -> HandsProcess:
        async with self._starting:
            if self._process is None or self._process.life.done():
                self._process = self._start()
            return self._process

    def _start(self) -> HandsProcess:
        self.used = True
        self._mark = None
        process = HandsProcess(self._run, self._folder, self._copies)
        begin: Order = {
            "begin": {
                "bundle": str(self._ground.bundle.resolve()),
                "skill": str(self._ground.skill_folder(self._run.skill).resolve()),
                "secrets": list(self._run.secrets.values),
                "shown": list(self._run.skill["extra"].get("bash_secrets", [])),
            }
        }
        process.orders.put_nowait(begin)
        process.start(self._runner, self._spec())
        return process

    def _spec(self) -> RunSpec:
        row, skill = self._run.row, self._run.skill
        return RunSpec(
            job_id=row["id"],
            attempt=row["attempt"],
            workspace_id=row["workspace_id"],
            deployment_id=self._run.deployment.id,
            skill_name=skill["name"],
            skill_folder=folder_of(skill),
            entrypoint=_PROGRAM,
            bundle=self._ground.bundle,
            python=self._ground.python,
            inputs=json.loads(row["inputs"]),
            timeout_seconds=skill["timeout_seconds"] or AGENT_SECONDS,
            memory_bytes=self._settings.run_memory_bytes,
            environment=self._run.secrets.values,
            secrets_version=self._run.secrets.version,
        )

    def _warn(self, why: str, mark: str | None) -> None:
        """Say, once for each state of the directory, that it is not kept."""
        if mark is None or mark != self._warned:
            self._warned = mark
            message = f"the working directory is not kept for a later attempt: {why}"
            emit_log(self._run.host, "warning", self._run.host.masker.text(message))


async def _patiently(work: Any) -> None:
    """Finish clearing up, however often this task is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
    task.result()
