"""Performs an agentic skill: opens the conversation, gathers the tools, and runs the loop."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from puras.server.agent import prompt
from puras.server.agent.hands import AGENT_SECONDS
from puras.server.agent.loop import Loop, Opening, Routing
from puras.server.agent.models.draft import DRAFT
from puras.server.agent.models.port import ModelFailed, Models
from puras.server.agent.shown_files import shown_inputs
from puras.server.agent.toolbox import Tool
from puras.server.agent.turns import Turns
from puras.server.agent.uses import Uses
from puras.server.approvals.ask import Answers
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.jobs.inline import owner_of
from puras.server.worker.recorder import Doing, Done
from puras.server.worker.run import Ground, Run
from puras.server.worker.spec import Failed, Outcome
from puras.server.worker.time_limit import limited

_MOST_FILES = 2000

ToolsOf: TypeAlias = Callable[[Run, Ground], AbstractAsyncContextManager[Sequence[Tool]]]
"""Opens the tools of a run, and closes what they hold when it is over."""


@dataclass(frozen=True, slots=True)
class Agents:
    """The performer of agentic skills.

    tools      opens every tool that a run may have
    memories   tells what earlier runs remembered
    decisions  tells what people decided on calls of this job
    """

    models: Models
    default_model: str
    tools: ToolsOf
    instructions: Callable[[Run, Ground], str]
    memories: Callable[[Run], Awaitable[str]]
    decisions: Callable[[Run], Awaitable[Answers]]

    async def perform(self, run: Run, ground: Ground) -> Outcome:
        """Run the agent to an outcome. Raises Refused (`cost_limit`)."""
        seconds = run.skill["timeout_seconds"] or AGENT_SECONDS
        try:
            async with limited(seconds, run.stood_still), self.tools(run, ground) as tools:
                return await self._loop(run, ground, tools)
        except TimeoutError:
            error = f"the agent worked for {seconds:g} seconds and was not done"
            return Failed("timeout", error, error)
        except ModelFailed as failure:
            return Failed("model_error", str(failure), failure.public)

    async def _loop(self, run: Run, ground: Ground, tools: Sequence[Tool]) -> Outcome:
        extra = run.skill["extra"]
        model = extra.get("text_model") or self.default_model
        opening = await self._opening(run, ground, model)
        if opening.model == DRAFT:
            await _label(run)
        allowed = _allowed(run, tools)
        loop = Loop(
            skill=run.skill,
            opening=opening,
            turns=Turns(run, self.models),
            uses=Uses(
                run,
                allowed,
                extra.get("tool_limits", {}),
                await self.decisions(run),
            ),
            routing=_routing(extra),
            cache_ttl=extra.get("cache_ttl", "5m"),
            exercise=_exercised(run, allowed),
        )
        return await _resumed(run, loop)

    async def _opening(self, run: Run, ground: Ground, model: str) -> Opening:
        """Return what the conversation begins with: made once, and the same in each attempt."""

        async def make(doing: Doing) -> Done:
            shown = await shown_inputs(run)
            text = prompt.system_prompt(
                self.instructions(run, ground),
                run.skill,
                files=_files_of(ground.skill_folder(run.skill)),
                memories=await self.memories(run),
            )
            first = prompt.first_message(run.skill, _inputs(run), shown)
            return Done(asdict(Opening(model, text, [first])))

        kept: dict[str, Any] = await run.recorder.perform(CallKey("opening", "", 1), make)
        return Opening(**kept)


async def _label(run: Run) -> None:
    """Have the job and all of its events say that nobody's model worked on it."""
    row = run.row
    run.host.is_draft = True
    await run.recorder.db.write(
        lambda tx: jobs.mark_draft(tx, job_id=row["id"], attempt=row["attempt"])
    )


async def _resumed(run: Run, loop: Loop) -> Outcome:
    """Run the loop; a later attempt first says at which step it goes on."""
    if run.row["attempt"] > 1:
        done = await run.recorder.count("turn")
        run.host.emit("resumed", {"attempt": run.row["attempt"], "from_step": done + 1})
    return await loop.run()


def _allowed(run: Run, tools: Sequence[Tool]) -> dict[str, Tool]:
    """Return the run's tools by name: its own always, of the rest those that it allows."""
    allowed = run.skill["extra"].get("allowed_tools")
    own = _own_names(run)
    return {
        tool.spec.name: tool
        for tool in tools
        if allowed is None or tool.spec.name in own or tool.spec.name in allowed
    }


def _exercised(run: Run, tools: dict[str, Tool]) -> frozenset[str]:
    """Return what an offline draft tries: the tools that the author named. A prompt file has those
    of its skill, which tries them itself."""
    if owner_of(run.skill["name"]) != run.skill["name"]:
        return frozenset()
    named = _own_names(run) | set(run.skill["extra"].get("allowed_tools") or [])
    return frozenset(named & set(tools))


def _own_names(run: Run) -> set[str]:
    return {tool["name"] for tool in run.skill["extra"].get("tools") or []}


def _routing(extra: dict[str, Any]) -> Routing:
    routing = extra.get("routing") or {}
    return Routing(routing.get("escalate_to"), routing.get("after", 1))


def _inputs(run: Run) -> dict[str, Any]:
    inputs: dict[str, Any] = json.loads(run.row["inputs"])
    return inputs


def _files_of(folder: Path) -> list[str]:
    """Return the skill's own files, without those of its subskills, a bounded number."""
    names = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in ("subskills", "__pycache__"))
        names += [str((Path(where) / name).relative_to(folder)) for name in sorted(files)]
        if len(names) >= _MOST_FILES:
            break
    return names[:_MOST_FILES]
