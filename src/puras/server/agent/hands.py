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
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from puras.server.agent.workspace_copy import MAX_COPY_BYTES, WorkspaceCopies
from puras.server.clock import new_id
from puras.server.home import incoming
from puras.server.settings import Settings
from puras.server.storage.port import StorageUnavailable
from puras.server.worker.process.output import emit_log
from puras.server.worker.run import Ground, Run, folder_of
from puras.server.worker.run_files import put_copy
from puras.server.worker.spec import Failed, Lost, Outcome, Runner, RunSpec

AGENT_SECONDS = 3600.0
"""How long an agent may take, where its skill sets no time of its own."""

MAX_CALLS = 8
_PROGRAM = "puras.server.worker.process.hands.program:serve"
_PACK_SECONDS = 120.0
_KILL_SECONDS = 1.5

Order = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call. `text` is for the model, `value` what a function returned, `file` what
    came along, to be used before the hands are let go of."""

    ok: bool
    text: str = ""
    value: Any = None
    file: Path | None = None
    mime: str = ""


@dataclass(slots=True, eq=False)
class _Call:
    """A call under way. `gone`: its hand, and all below it, have ended."""

    answer: asyncio.Future[Answer]
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class _Process:
    """One life of the hands, and the host that it speaks to: the run's, and three verbs more."""

    def __init__(self, run: Run, folder: Path, copies: WorkspaceCopies) -> None:
        self.orders: asyncio.Queue[Order] = asyncio.Queue()
        self.calls: dict[int, _Call] = {}
        self.life: asyncio.Task[Outcome]
        self._run = run
        self._folder = folder
        self._copies = copies
        self._verbs = {"hands.next": self._next, "hands.done": self._done}

    def start(self, runner: Runner, spec: RunSpec) -> None:
        self.life = asyncio.create_task(runner.run(spec, self), name=f"hands-{spec.job_id}")
        self.life.add_done_callback(self._end)

    def emit(
        self, type: str, payload: dict[str, Any], *, public: dict[str, Any] | None = None
    ) -> None:
        """Pass an event on; a step of a tool is a line of the log, for steps are the agent's."""
        if type == "step":
            emit_log(self._run.host, "info", str(payload.get("label") or ""))
        else:
            self._run.host.emit(type, payload, public=public)

    async def call(self, verb: str, arguments: dict[str, Any], run_folder: Path) -> Any:
        if verb == "hands.ended":
            return self._ended(arguments)
        if (own := self._verbs.get(verb)) is not None:
            return await own(arguments, run_folder)
        return await self._run.host.call(verb, arguments, run_folder)

    async def stop(self, number: int) -> None:
        """Kill a call's hand and return when it is gone; one that can't be killed takes all."""
        if (call := self.calls.get(number)) is None:
            return
        self.orders.put_nowait({"kill": number})
        try:
            async with asyncio.timeout(_KILL_SECONDS):
                await call.gone.wait()
        except TimeoutError:
            await self.close()

    async def close(self) -> None:
        self.life.cancel()
        await asyncio.gather(self.life, return_exceptions=True)

    async def _next(self, arguments: dict[str, Any], folder: Path) -> Order:
        order = await self.orders.get()
        file = order.get("file")
        if "begin" in order:
            file = await self._copies.find(self._run.row["id"])
        if file is None:
            return order
        name = new_id()
        await put_copy(Path(file), folder, name)
        return {**order, "file": name}

    async def _done(self, arguments: dict[str, Any], folder: Path) -> None:
        call, told = self.calls.get(_number(arguments)), arguments.get("answer")
        if call is None or not isinstance(told, dict):
            return
        file = None
        if "file" in arguments:
            file = self._folder / new_id()
            await asyncio.to_thread(shutil.move, folder / str(arguments["file"]), file)
        call.settle(
            Answer(
                ok=told.get("ok") is True,
                text=self._masked(str(told.get("text") or "")),
                value=told.get("value"),
                file=file,
                mime=str(told.get("mime") or ""),
            )
        )

    def _ended(self, arguments: dict[str, Any]) -> None:
        if (call := self.calls.pop(_number(arguments), None)) is not None:
            call.gone.set()
            call.settle(Answer(False, "the tool's process ended without an answer: " + _DIED))

    def _end(self, life: asyncio.Task[Outcome]) -> None:
        for call in self.calls.values():
            call.gone.set()
            call.settle(Answer(False, self._masked(_why(life))))
        self.calls.clear()

    def _masked(self, text: str) -> str:
        return self._run.host.masker.text(text)


_DIED = "it crashed, called `os._exit`, or needed too much memory"


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
        self._process: _Process | None = None
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
        call = process.calls[number] = _Call(asyncio.get_running_loop().create_future())
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

    async def _ready(self) -> _Process:
        async with self._starting:
            if self._process is None or self._process.life.done():
                self._process = self._start()
            return self._process

    def _start(self) -> _Process:
        self.used = True
        self._mark = None
        process = _Process(self._run, self._folder, self._copies)
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


def _number(arguments: dict[str, Any]) -> int:
    number = arguments.get("id")
    return number if isinstance(number, int) else -1


def _why(life: asyncio.Task[Outcome]) -> str:
    """Say why the hands are gone."""
    if life.cancelled() or life.exception() is not None:
        return "the tools' process was stopped"
    outcome = life.result()
    if isinstance(outcome, Lost):
        return f"the tools' process ended: {outcome.reason}"
    if not isinstance(outcome, Failed):
        return "the tools' process ended"
    if outcome.error_code == "deployment_broken":
        return f"the tools' process can't be started: {outcome.error}"
    return (
        f"the tools' process ended: {outcome.error}. The next call starts it anew, with the files "
        "as they were last kept"
    )


async def _patiently(work: Any) -> None:
    """Finish clearing up, however often this task is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            continue
    task.result()
