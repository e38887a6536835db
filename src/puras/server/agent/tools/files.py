"""The tools `file_read`, `file_write` and `file_edit`: files without a shell."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from puras.server.agent.hands import Hands
from puras.server.agent.hands_process import Answer
from puras.server.agent.messages import FilePart
from puras.server.agent.toolbox import Reply, Tool, ToolUse, Use
from puras.server.agent.tools.bash import FILES
from puras.server.agent.tools.checked import checked_tool, takes
from puras.server.drive.paths import job_folder
from puras.server.worker.run import Run
from puras.server.worker.run_files import chunks_of

_SECONDS = 60.0
_PATH = {"type": "string", "minLength": 1}
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
}

_READ = """\
Read a file: of the working directory by a relative path, or one of the skill's own. Text comes \
with line numbers, up to 2,000 lines at a time; `offset` is the first line to show, `limit` how \
many. An image (PNG, JPEG, GIF, WebP) or a PDF is shown to you as such."""
_WRITE = """\
Write a text file in the working directory, replacing one that is there; missing folders are made. \
To change a part of a file use `file_edit`. At most 10 MiB."""
_EDIT = """\
Replace a passage in a text file of the working directory. `old` must be in the file exactly as \
written, white space included, and only once, unless `all` is true. Read the file first; the line \
numbers shown there are no part of it."""

_READ_SCHEMA = takes(
    {"path": {**_PATH, "examples": ["SKILL.md"]}},
    {"offset": {"type": "integer", "minimum": 1}, "limit": {"type": "integer", "minimum": 1}},
)
_WRITE_SCHEMA = takes({"path": {**_PATH, "examples": ["notes.txt"]}, "content": {"type": "string"}})
_EDIT_SCHEMA = takes(
    {"path": _PATH, "old": {"type": "string", "minLength": 1}, "new": {"type": "string"}},
    {"all": {"type": "boolean", "default": False}},
)


def file_tools(run: Run, hands: Hands) -> list[Tool]:
    async def read(use: ToolUse) -> Reply:
        answer = await hands.call("read", dict(use.input), timeout=_SECONDS)
        if answer.file is None:
            return Reply(answer.text, ok=answer.ok)
        return await _shown(run, answer, answer.file)

    return [
        checked_tool("file_read", _READ, _READ_SCHEMA, read),
        checked_tool("file_write", _WRITE, _WRITE_SCHEMA, _changing("write", hands), mutates=FILES),
        checked_tool("file_edit", _EDIT, _EDIT_SCHEMA, _changing("edit", hands), mutates=FILES),
    ]


def _changing(deed: str, hands: Hands) -> Use:
    async def change(use: ToolUse) -> Reply:
        answer = await hands.call(deed, dict(use.input), timeout=_SECONDS, changes=True)
        return Reply(answer.text, ok=answer.ok)

    return change


async def _shown(run: Run, answer: Answer, file: Path) -> Reply:
    if answer.mime not in _ENDINGS:
        return Reply("this kind of file can't be looked at", ok=False)
    part = await seen(run, file, answer.mime)
    file.unlink(missing_ok=True)
    return Reply(answer.text, files=[part])


async def seen(run: Run, file: Path, mime: str) -> FilePart:
    """Keep a file that a model is to look at: the same bytes are kept once in a job."""
    digest = hashlib.sha256()
    async for chunk in chunks_of(file.parent, file.name):
        digest.update(chunk)
    name = f"{job_folder(run.row['id'])}seen/{digest.hexdigest()[:24]}.{_ENDINGS[mime]}"
    path = await run.drive.keep(name, _chunks(file), mime=mime)
    return {"drive_path": path, "mime": mime}


def can_be_seen(mime: str) -> bool:
    """Tell whether files of a type can be shown to a model."""
    return mime in _ENDINGS


def _chunks(file: Path) -> AsyncIterator[bytes]:
    return chunks_of(file.parent, file.name)
