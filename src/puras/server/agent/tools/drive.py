"""The tool `drive_url`: from a file to a URL, by way of the drive.

It is also how a file that was made in the working directory gets into the drive, and so into the
output.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puras.server.agent.hands import Hands
from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.tools.checked import checked_tool, takes
from puras.server.drive.paths import job_folder
from puras.server.refusals import Refused
from puras.server.worker.run import Run

_GIVE_SECONDS = 120.0

_DESCRIPTION = """\
Return the drive path of a file, and a URL under which anybody can read it for `ttl` seconds \
(default an hour). A file of the working directory is put into the drive first: do this with each \
file that belongs into the output, and give its drive path there. The output needs no URLs, the \
caller gets them anyway."""

_SCHEMA = takes(
    {"path": {"type": "string", "minLength": 1}},
    {"ttl": {"type": "integer", "minimum": 30, "maximum": 30 * 86_400, "default": 3600}},
)


def drive_tools(run: Run, hands: Hands) -> list[Tool]:
    return [checked_tool("drive_url", _DESCRIPTION, _SCHEMA, _DriveUrl(run, hands).use)]


@dataclass(frozen=True, slots=True)
class _DriveUrl:
    run: Run
    hands: Hands

    async def use(self, given: ToolUse) -> Reply:
        path, ttl = str(given.input["path"]), given.input["ttl"]
        try:
            kept = await self._kept(path)
            signed = await self.run.drive.sign({"path": kept or path, "ttl": ttl}, Path())
        except Refused as refusal:
            return Reply(refusal.detail, ok=False)
        told = {"drive_path": signed["path"], "url": signed["signed_url"], "expires_in": ttl}
        return Reply(json.dumps(told), drive_path=signed["path"])

    async def _kept(self, path: str) -> str | None:
        """Put a file of the working directory into the drive and return its path there; None
        where there is no such file."""
        if not await self.hands.have_files():
            return None
        answer = await self.hands.call("give", {"path": path}, timeout=_GIVE_SECONDS)
        if answer.file is None:
            return None
        try:
            arguments: dict[str, Any] = {
                "path": job_folder(self.run.row["id"]) + answer.text,
                "file": answer.file.name,
            }
            written = await self.run.drive.write(arguments, answer.file.parent)
            return str(written["drive_path"])
        finally:
            answer.file.unlink(missing_ok=True)
