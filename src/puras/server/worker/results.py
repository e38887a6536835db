"""Turns what a function returned into the job's result: checked, pruned, its files in the drive.

In fields that the output schema declares as files a drive path, however written, becomes the plain
path, a data URI is stored to the drive, and an http(s) URL stays. `outputs` remembers where in the
result each drive path stands, so that every read can sign it afresh.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from puras.bundle import schema as schemas
from puras.bundle.files import DeclaredFile, replaced
from puras.server.drive.endings import ending_of
from puras.server.drive.paths import job_folder, safe_filename
from puras.server.jobs.states import Ending
from puras.server.refusals import Refused
from puras.server.worker.process.masking import NOTHING, Masker
from puras.server.worker.run_drive import RunDrive
from puras.wire import MAX_RESULT_BYTES, ManifestSkill

_SHOWN_FAULTS = 10
_MOST_CHARACTERS = 4000


class BadOutput(Exception):
    """The function's return value can't be the job's result; the text says why."""


@dataclass(frozen=True, slots=True)
class DataURI:
    """A file inside of a string: `data:image/png;base64,…`."""

    mime: str
    content: bytes


async def shape(
    skill: ManifestSkill, returned: Any, *, run_drive: RunDrive, masker: Masker = NOTHING
) -> Ending:
    """Return the ending of a run whose function returned `returned`."""
    try:
        result, faults = schemas.shape_output(skill["output_schema"], returned)
        if faults:
            raise BadOutput(_told(skill, masker.value(returned)))
        result, outputs = await _store_files(skill, result, run_drive)
        text = json.dumps(result, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        if len(text) > MAX_RESULT_BYTES:
            raise BadOutput(
                f"a result has at most {MAX_RESULT_BYTES} bytes: put files in the drive"
            )
    except BadOutput as error:
        return output_invalid(masker.text(str(error)))
    return Ending("succeeded", result=text.decode(), outputs=json.dumps(outputs))


def _told(skill: ManifestSkill, masked: Any) -> str:
    """Say what is wrong with a return value whose secrets are hidden: a fault quotes its value, cut
    to a length, and might keep half of one."""
    _, faults = schemas.shape_output(skill["output_schema"], masked)
    told = "; ".join(f"{fault['path']}: {fault['message']}" for fault in faults[:_SHOWN_FAULTS])
    return told or "a value with a secret in it does not fit"


def output_invalid(why: str) -> Ending:
    """Return the ending of a run that gave what its contract does not allow."""
    return Ending(
        "failed",
        error=f"the skill's output is not what its `output_schema` says: {_shortened(why)}",
        public_error="the skill's output is not what its contract says",
        error_code="output_invalid",
    )


def _shortened(text: str) -> str:
    """Cut a sentence that quotes what a skill returned: names in it may be megabytes long."""
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


async def _store_files(
    skill: ManifestSkill, result: dict[str, Any], run_drive: RunDrive
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    changes: dict[tuple[str | int, ...], Any] = {}
    outputs: list[dict[str, Any]] = []
    for number, file in enumerate(schemas.declared_files(skill["output_schema"], result)):
        path = await _drive_path(file, run_drive, number=number)
        if path is None:
            continue
        stored = await _stat(file, path, run_drive)
        changes[file.steps] = path
        outputs.append({"at": list(file.steps), "name": file.path.removeprefix("$."), **stored})
    shaped: dict[str, Any] = replaced(result, changes)
    return shaped, outputs


async def _drive_path(file: DeclaredFile, run_drive: RunDrive, *, number: int) -> str | None:
    """Return the drive path that stands for a file, storing it first where it came inside."""
    value = file_text(file)
    if value.lower().startswith("data:"):
        data = read_data_uri(value, where=file.path)
        return await run_drive.keep(
            _new_path(file, data, folder=job_folder(run_drive.row["id"]), number=number),
            _one(data.content),
            mime=data.mime,
        )
    workspace_id = run_drive.row["workspace_id"]
    if value.lower().startswith(("http://", "https://")):
        own = await run_drive.signer.open_own(value)
        return own.path if own is not None and own.workspace_id == workspace_id else None
    try:
        return await run_drive.located(value)
    except Refused as refusal:
        raise BadOutput(f"{file.path}: {refusal.detail}") from None


def file_text(file: DeclaredFile) -> str:
    """Return a declared file as one string: a path, a URL or a data URI."""
    value = file.value
    if isinstance(value, Mapping):
        kind = next(k for k in ("drive_path", "url", "data", "base64") if value.get(k) is not None)
        value = str(value[kind])
        if kind in ("data", "base64") and not value.lower().startswith("data:"):
            return f"data:application/octet-stream;base64,{value}"
    return str(value)


async def _stat(file: DeclaredFile, path: str, run_drive: RunDrive) -> dict[str, Any]:
    found = None
    if run_drive.reach.may_read(path):
        found = await run_drive.drive.stat(run_drive.row["workspace_id"], path)
    if found is None:
        raise BadOutput(
            f"{file.path} names `{path}`, which is not in the drive or beyond this run's reach: "
            "write the file with `puras.drive.write` and return the path that it gives"
        )
    return {"drive_path": path, "mime": found.mime, "size_bytes": found.size_bytes}


def _new_path(file: DeclaredFile, data: DataURI, *, folder: str, number: int) -> str:
    """Name a file after its place in the result, apart from what the run itself has written."""
    ending = ending_of(data.mime) or ".bin"
    name = safe_filename("-".join(str(step).replace("/", "-") for step in file.steps) + ending)
    return f"{folder}result/{number}-{name}"


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


def read_data_uri(text: str, *, where: str) -> DataURI:
    """Decode a data URI. Raises BadOutput, naming `where` it stands."""
    head, comma, body = text.partition(",")
    mime, *parameters = head[len("data:") :].split(";")
    if not comma:
        raise BadOutput(f"{where} is no data URI: it has no comma")
    content = unquote_to_bytes(body)
    if "base64" in (parameter.strip().lower() for parameter in parameters):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            raise BadOutput(f"{where} holds a data URI whose base64 is broken") from None
    return DataURI(mime.strip() or "application/octet-stream", content)
