"""The tools by which an agent runs others: any skill that it reaches, a prompt, or, under a name
of its own, a skill that its author named in `tools`.

Each run is a child job. It is recorded apart from the tool's call, so a later attempt that makes
the call again waits for the same child.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from puras.bundle.tool_schema import tool_schema
from puras.server.agent.messages import FilePart
from puras.server.agent.models.port import ToolSpec
from puras.server.agent.shown_files import VISIBLE
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.jobs.calls import CallKey
from puras.server.jobs.inline import INLINE, owner_of
from puras.server.refusals import Refused
from puras.server.worker.child_calls import ChildCall, read_call
from puras.server.worker.children import Children
from puras.server.worker.reference_files import prompt_files, read_prompt
from puras.server.worker.run import Ground, Run
from puras.wire import MAX_PROMPT_CHARACTERS, ManifestSkill

MOST_RESULT_CHARACTERS = 100_000
_MOST_NAMED = 40
_MOST_EXAMPLES = 5
_MOST_DESCRIPTION = 160
_TARGET = (
    "A name from the list, a prompt file `references/….md` of this skill, `skillpack/skill`, or "
    "`workspace/skillpack/skill`."
)
_RUN = """\
Run another skill, or a prompt, as a subagent, and get its result. Give `target` or `prompt`, not \
both. A subagent sees only the inputs that you give it: pass all that it needs, files by their \
drive paths. Call it several times in one turn to let subagents work side by side. Look at a \
target with `describe_subagent` first unless you know what it takes."""
_DESCRIBE = """\
See what a subagent does, what inputs it takes and what its result looks like, with examples. \
Without `target`: the list of what this skill can run by name."""


@dataclass(frozen=True, slots=True)
class Near:
    """Something that a run can start by its name alone."""

    name: str
    description: str


async def subagent_tools(run: Run, ground: Ground, children: Children) -> list[Tool]:
    """Return the tools of a run that start child jobs."""
    files = await asyncio.to_thread(_own_prompts, run, ground)
    near = [*_near_skills(run), *(Near(path, "A prompt file of this skill.") for path in files)]
    subagents = _Subagents(run, ground, children, near)
    declared = run.skill["extra"].get("tools") or []
    return [
        Tool(ToolSpec("run_subagent", _run_text(near), run_schema(near)), subagents.run),
        Tool(ToolSpec("describe_subagent", _DESCRIBE, _DESCRIBE_SCHEMA), subagents.describe),
        *[await subagents.named(tool) for tool in declared if "skill" in tool],
    ]


def run_schema(near: Sequence[Near]) -> dict[str, Any]:
    """Return what `run_subagent` takes. Of target and prompt, the one that is not meant has an
    empty default; prompt files come first among the examples, for they run with any inputs."""
    names = sorted((one.name for one in near), key=lambda name: not name.endswith(".md"))
    target = {"examples": names[:_MOST_EXAMPLES]} if names else {"default": ""}
    prompt = {"default": ""} if names else {}
    properties = {
        "target": {"type": "string", "description": _TARGET, **target},
        "prompt": {
            "type": "string",
            "maxLength": MAX_PROMPT_CHARACTERS,
            "description": "What an agent of its own is to do; it gives `{answer}`.",
            **prompt,
        },
        "inputs": {"type": "object", "description": "The inputs, by name."},
        "label": {"type": "string", "description": "What to call it in the log: a few words."},
    }
    return {"type": "object", "properties": properties}


_DESCRIBE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"target": {"type": "string", "description": _TARGET, "default": ""}},
}


@dataclass(frozen=True, slots=True)
class _Subagents:
    """The child runs of one run. `near` is what it can start by name."""

    whole: Run
    ground: Ground
    children: Children
    near: Sequence[Near]

    async def run(self, use: ToolUse) -> Reply:
        # Models fill in what they leave out, with nothing in it.
        asked = {name: value for name, value in use.input.items() if value not in (None, "")}
        return await self._started(use, asked)

    async def describe(self, use: ToolUse) -> Reply:
        target = use.input.get("target")
        if not target:
            listed = [{"target": one.name, "description": one.description} for one in self.near]
            return Reply(_json(listed))
        called = read_call({"target": target}, key=_key(use))
        return Reply(_json(await self._described(called)))

    async def named(self, tool: Mapping[str, Any]) -> Tool:
        """Return a tool of the author's that is a skill under another name."""
        target: str = tool["skill"]

        async def use(given: ToolUse) -> Reply:
            asked = {"target": target, "inputs": dict(given.input), "label": given.name}
            return await self._started(given, asked)

        skill = await self._skill(ChildCall(target, {}, CallKey("", "", 0)))
        description = tool.get("description") or (skill["description"] if skill else target)
        schema = tool_schema(skill["input_schema"] if skill else {})
        return Tool(
            ToolSpec(tool["name"], description, schema), use, confirm=bool(tool.get("confirm"))
        )

    async def _skill(self, called: ChildCall) -> ManifestSkill | None:
        try:
            return (await self.children.find(self.whole.row, called)).skill
        except Refused:
            return None  # a call of it says why

    async def _started(self, use: ToolUse, asked: Mapping[str, Any]) -> Reply:
        called = read_call({**asked, "span": use.span}, key=_key(use))
        return _reply(called, await self.children.call(self.whole.parent, called))

    async def _described(self, called: ChildCall) -> dict[str, Any]:
        skill = (await self.children.find(self.whole.row, called)).skill
        told: dict[str, Any] = {
            "target": called.target,
            "description": skill["description"],
            "type": skill["type"],
            "input_schema": tool_schema(skill["input_schema"]),
            "output_schema": tool_schema(skill["output_schema"], output=True),
            "examples": skill["examples"],
        }
        if called.is_reference:
            folder = self.ground.skill_folder(self.whole.skill)
            told["prompt"] = await asyncio.to_thread(read_prompt, folder, called.target)
        return told


def _near_skills(run: Run) -> list[Near]:
    """Return the subskills and the siblings of the running skill, not itself."""
    owner = owner_of(run.skill["name"])
    skills = run.deployment.manifest["skills"]
    within = [Near(_last(s["name"]), s["description"]) for s in skills if s["parent"] == owner]
    beside = [Near(s["name"], s["description"]) for s in skills if s["parent"] is None]
    hidden = {owner, *(one.name for one in within)}
    return [*within, *(one for one in beside if one.name not in hidden)]


def _own_prompts(run: Run, ground: Ground) -> list[str]:
    is_prompt = run.skill["name"] == INLINE  # which belongs to no skill that could have files
    return [] if is_prompt else prompt_files(ground.skill_folder(run.skill))


def _run_text(near: Sequence[Near]) -> str:
    if not near:
        return _RUN
    lines = [f"- `{one.name}`: {_short(one.description)}" for one in near[:_MOST_NAMED]]
    more = len(near) - _MOST_NAMED
    rest = [f"- and {more} more, which `describe_subagent` lists"] if more > 0 else []
    return "\n".join([_RUN, "What can be run by name:", *lines, *rest])


def _reply(called: ChildCall, job: Mapping[str, Any]) -> Reply:
    cost = job["cost_micros"]
    if job["status"] != "succeeded":
        told = f"`{called.title}` {job['status']} ({job['error_code']}): {job['error']}"
        return Reply(told, ok=False, cost_micros=cost)
    text = _json(job["result"] or {})
    if len(text) > MOST_RESULT_CHARACTERS:
        text = (
            f"{text[:MOST_RESULT_CHARACTERS]}\n… cut: the result has {len(text):,} characters; "
            "let the subagent write a file instead"
        )
    outputs = job["outputs"]
    return Reply(
        text,
        files=[
            FilePart(drive_path=output["drive_path"], mime=output["mime"])
            for output in outputs
            if output["mime"] in VISIBLE
        ],
        drive_path=outputs[0]["drive_path"] if outputs else None,
        cost_micros=cost,
    )


def _key(use: ToolUse) -> CallKey:
    return CallKey("subagent.run", f"{use.key.verb} {use.key.arguments}", use.key.occurrence)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_DESCRIPTION else f"{line[:_MOST_DESCRIPTION]}…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
