"""The tools by which an agent makes images, videos and audio, and listens."""

from __future__ import annotations

import json
import mimetypes
from typing import Any

from puras.bundle.tool_schema import tool_schema
from puras.server.agent.messages import FilePart
from puras.server.agent.models.port import ToolSpec
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.jobs.calls import CallKey
from puras.server.media.studio import wanted_by
from puras.server.media.verbs import KINDS, SCHEMAS
from puras.server.worker.media_calls import MediaCalls
from puras.server.worker.run import Run

_KEPT = ("model", "drive_path", "meta", "text", "language_code")
_DESCRIPTIONS = {
    "generate_image": (
        "Make an image of a description. Returns its drive path, which other tools and the output "
        "take as it is."
    ),
    "generate_video": (
        "Make a video of a description, and of reference images. Takes up to some minutes; returns "
        "its drive path."
    ),
    "generate_audio": "Make speech of a text, or a sound. Returns its drive path.",
    "transcribe": "Write down what is said in an audio or video file.",
}


def media_tools(run: Run, calls: MediaCalls) -> list[Tool]:
    """Return the media tools of a run. Each call is paid once, also when it is made again."""
    return [_tool(run, calls, verb) for verb in SCHEMAS]


def media_schema(verb: str, *, model: str) -> dict[str, Any]:
    """Return what an agent may give to a media tool; `model` is the one that it gets by default."""
    schema = tool_schema(SCHEMAS[verb])
    named = {**schema["properties"]["model"], "default": model}
    return {**schema, "properties": {**schema["properties"], "model": named}}


def _tool(run: Run, calls: MediaCalls, verb: str) -> Tool:
    async def use(call: ToolUse) -> Reply:
        # The tool's own record is about the turn; this one is about the money.
        key = CallKey(f"{call.key.verb}.{verb}", call.key.arguments, call.key.occurrence)
        made = await calls.make(run, verb, call.input, key=key, told=False)
        return _reply(made)

    wanted = wanted_by(run.skill["extra"]).get(KINDS[verb])
    schema = media_schema(verb, model=wanted or calls.studio.default(KINDS[verb]))
    return Tool(ToolSpec(verb, _DESCRIPTIONS[verb], schema), use)


def _reply(made: dict[str, Any]) -> Reply:
    told = {name: made[name] for name in _KEPT if made.get(name) is not None}
    path = made["drive_path"]
    mime = mimetypes.guess_type(path)[0] if made["kind"] == "image" else None
    return Reply(
        json.dumps(told, ensure_ascii=False),
        files=[] if mime is None else [FilePart(drive_path=path, mime=mime)],
        drive_path=path,
        cost_micros=made["billed_micros"],
    )
