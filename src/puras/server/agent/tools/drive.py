"""The tool `drive_url`: a URL under which anybody can read a file of the drive for a while."""

from __future__ import annotations

from pathlib import Path

from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.tools.checked import checked_tool, takes
from puras.server.refusals import Refused
from puras.server.worker.run import Run

_DESCRIPTION = """\
Make a URL under which anybody can read a file of the drive, without a key, for `ttl` seconds \
(default an hour). Paths in the output need none: the caller gets URLs for them anyway."""

_SCHEMA = takes(
    {"path": {"type": "string", "minLength": 1}},
    {"ttl": {"type": "integer", "minimum": 30, "maximum": 30 * 86_400, "default": 3600}},
)


def drive_tools(run: Run) -> list[Tool]:
    async def drive_url(use: ToolUse) -> Reply:
        try:
            signed = await run.drive.sign(dict(use.input), Path())
        except Refused as refusal:
            return Reply(refusal.detail, ok=False)
        return Reply(signed["signed_url"], drive_path=signed["path"])

    return [checked_tool("drive_url", _DESCRIPTION, _SCHEMA, drive_url)]
