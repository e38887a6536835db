"""One life of an agent's hands: the isolated process that acts, and what it says to its worker."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from puras.server.agent.workspace_copy import WorkspaceCopies
from puras.server.clock import new_id
from puras.server.worker.process.output import emit_log
from puras.server.worker.run import Run
from puras.server.worker.run_files import put_copy
from puras.server.worker.spec import Failed, Lost, Outcome, Runner, RunSpec

_KILL_SECONDS = 1.5
_DIED = "it crashed, called `os._exit`, or needed too much memory"

Order: TypeAlias = dict[str, Any]


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
class Call:
    """A call under way. `gone`: its hand, and all below it, have ended."""

    answer: asyncio.Future[Answer]
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class HandsProcess:
    """One life of the hands, and the host that it speaks to: the run's, and three verbs more."""

    def __init__(self, run: Run, folder: Path, copies: WorkspaceCopies) -> None:
        self.orders: asyncio.Queue[Order] = asyncio.Queue()
        self.calls: dict[int, Call] = {}
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
