"""The files among the inputs that a model may look at: images and PDFs, brought into the drive."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from puras.bundle import schema as schemas
from puras.bundle.files import DeclaredFile
from puras.server.agent.messages import FilePart
from puras.server.drive.endings import ending_of
from puras.server.drive.paths import job_folder
from puras.server.refusals import Refused
from puras.server.worker import results
from puras.server.worker.run import Run

MOST_SHOWN = 10
VISIBLE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})


async def shown_inputs(run: Run) -> list[FilePart]:
    """Return the inputs that a model may see, at most ten; what can't be read is left to tools."""
    inputs = json.loads(run.row["inputs"])
    parts: list[FilePart] = []
    for number, file in enumerate(schemas.declared_files(run.skill["input_schema"], inputs)):
        if file.kind not in ("image", "file") or len(parts) >= MOST_SHOWN:
            continue
        try:
            path = await _in_drive(run, file, number=number)
            found = await run.drive.drive.find(run.row["workspace_id"], path)
        except (Refused, results.BadOutput) as error:
            message = f"the input {file.path} can't be shown to the model: {error}"
            run.host.emit("log", {"level": "warning", "message": message})
            continue
        if found.mime in VISIBLE:
            parts.append(FilePart(drive_path=path, mime=found.mime))
    return parts


async def _in_drive(run: Run, file: DeclaredFile, *, number: int) -> str:
    """Return the drive path of an input, storing it first where it came inside or from a URL."""
    value = results.file_text(file)
    if value.lower().startswith("data:"):
        data = results.read_data_uri(value, where=file.path)
        ending = ending_of(data.mime) or ".bin"
        return await run.drive.keep(_path(run, number, ending), _one(data.content), mime=data.mime)
    if not value.lower().startswith(("http://", "https://")):
        return run.drive.readable({"path": value})
    with tempfile.TemporaryDirectory(prefix="puras-input-") as folder:
        target = Path(folder) / "file"
        fetched = await run.drive.fetcher.fetch(value, target)
        ending = ending_of(fetched.mime) or ".bin"
        content = target.read_bytes()
    return await run.drive.keep(_path(run, number, ending), _one(content), mime=fetched.mime)


def _path(run: Run, number: int, ending: str) -> str:
    return f"{job_folder(run.row['id'])}inputs/{number}{ending}"


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
