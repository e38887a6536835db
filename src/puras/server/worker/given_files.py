"""A file that a run names in a call, as a local copy, within what the run reaches.

It is an object with one of `drive_path`, `url`, `data` or `base64`, or a string: a data URI, an
http(s) URL, a drive path, or base64 that is too long to be one.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from puras.bundle.dialect import FILE_KEYS
from puras.server.clock import new_id
from puras.server.drive.endings import ending_of
from puras.server.media.providers.port import Reference
from puras.server.media.verbs import FileValue
from puras.server.refusals import Refused
from puras.server.worker.results import BadOutput, DataURI, read_data_uri
from puras.server.worker.run_drive import RunDrive
from puras.wire import MAX_DRIVE_PATH_BYTES

_UNKNOWN_TYPE = "application/octet-stream"


async def load_file(value: FileValue, drive: RunDrive, folder: Path) -> Reference:
    """Copy a named file into a folder.

    Raises:
        Refused: the run can't reach it, or it is none.
    """
    kind, text = _told(value)
    if kind == "data":
        return _write(_data_uri(text), folder)
    if kind == "base64":
        return _write(DataURI(_UNKNOWN_TYPE, _decoded(text)), folder)
    if kind == "url":
        got = await drive.fetch({"url": text}, folder)
        name = PurePosixPath(text.partition("?")[0]).name
    else:
        got = await drive.read({"path": text}, folder)
        name = PurePosixPath(text).name
    path = folder / str(got["file"])
    mime = str(got["mime"])
    if mime == _UNKNOWN_TYPE:
        mime = mimetypes.guess_type(name)[0] or mime
    return Reference(path, mime, name or "file")


def _told(value: FileValue) -> tuple[str, str]:
    """Return in which form a file came, and its text."""
    if isinstance(value, Mapping):
        key = next((key for key in FILE_KEYS if isinstance(value.get(key), str)), "")
        text = str(value.get(key, ""))
        if key != "url" and key != "data":
            return key or "drive_path", text
        is_uri = text[:5].lower() == "data:"
        return ("data" if is_uri else "base64" if key == "data" else "url"), text
    if value[:5].lower() == "data:":
        return "data", value
    if value[:8].lower().startswith(("http://", "https://")):
        return "url", value
    return ("base64" if len(value.encode()) > MAX_DRIVE_PATH_BYTES else "drive_path"), value


def _data_uri(text: str) -> DataURI:
    try:
        return read_data_uri(text, where="the file")
    except BadOutput as error:
        raise Refused("invalid_request", str(error)) from None


def _decoded(text: str) -> bytes:
    compact = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("invalid_request", "a file's `base64` is none") from None


def _write(data: DataURI, folder: Path) -> Reference:
    name = f"given{ending_of(data.mime) or ''}"
    path = folder / f"{new_id()}-{name}"
    path.write_bytes(data.content)
    return Reference(path, data.mime, name)


def shown(value: Any, *, most: int = 2000) -> Any:
    """Return a call's arguments fit for an event: long strings, such as files inside, are cut."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:100]}… ({len(value):,} characters)"
    if isinstance(value, Mapping):
        return {name: shown(member, most=most) for name, member in value.items()}
    if isinstance(value, list):
        return [shown(member, most=most) for member in value]
    return value
