"""Which strings are drive paths. Pure; every path passes `clean` before it meets a row or a key.

A path is relative, `/`-separated and in NFC; no segment is empty, `.` or `..`; no character is a
control character, a surrogate, a noncharacter or a backslash; it has at most 1024 bytes.
"""

from __future__ import annotations

import mimetypes
import re
import unicodedata

from puras.server.refusals import Refused
from puras.wire import MAX_DRIVE_PATH_BYTES

_MOST_FILENAME_BYTES = 200
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_KINDS = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
"""What the standard library's table lacks in some of the Pythons we run on."""
_MIME_TYPES = mimetypes.MimeTypes()
"""That table alone, without what the machine's own files add to it."""


def clean(path: str) -> str:
    """Return the path in NFC.

    Raises:
        Refused: `bad_path`, naming the rule it breaks.
    """
    normal = unicodedata.normalize("NFC", path)
    if fault := _fault(normal):
        raise Refused("bad_path", f"{path[:100]!r} is no drive path: {fault}")
    return normal


def clean_prefix(prefix: str) -> str:
    """Return a list's prefix in NFC: the beginning of a path, down to nothing. Raises as `clean`"""
    if prefix in {"", "/"}:
        return ""
    normal = unicodedata.normalize("NFC", prefix)
    clean(normal.removesuffix("/"))
    return normal


def relative(path: str, *, workspace_id: str) -> str:
    """Return a path as a skill may write it (with a leading slash, or below its workspace's id)
    as the wire has it. Raises as `clean`."""
    return clean(path.strip().lstrip("/").removeprefix(f"{workspace_id}/"))


def job_folder(job_id: str) -> str:
    """Return the folder that a job's run may always write, with its slash."""
    return f"jobs/{job_id}/"


def uploads_folder(key_id: str) -> str:
    """Return the folder for the uploads of a key, with its slash."""
    return f"uploads/{key_id}/"


def owning_job(path: str) -> str | None:
    """Return the id of the job in whose folder a path lies."""
    first, _, rest = path.partition("/")
    job_id, slash, _ = rest.partition("/")
    return job_id if first == "jobs" and slash else None


def safe_filename(name: str) -> str:
    """Make one segment of whatever a browser calls a file."""
    last = re.split(r"[/\\]", name)[-1]
    allowed = "".join(char for char in last if not _forbidden(char))
    kept = unicodedata.normalize("NFC", allowed).strip()
    stem, dot, ending = kept.rpartition(".")
    ending = (dot + ending)[:32] if stem else ""
    room = _MOST_FILENAME_BYTES - len(ending.encode())
    start = (stem or kept).encode()[:room].decode("utf-8", "ignore")
    whole = start + ending
    return "file" if whole in {"", ".", ".."} else whole


def mime_of(path: str, declared: str = "") -> str:
    """Return a file's type: as declared where that says anything, else by its ending."""
    essence = declared.partition(";")[0].strip().lower()
    if _MIME.fullmatch(essence) and essence != "application/octet-stream":
        return essence
    stem, _, ending = path.rpartition("/")[2].lower().rpartition(".")
    known = _KINDS.get(ending) or _MIME_TYPES.types_map[1].get(f".{ending}")
    return known if stem and known else "application/octet-stream"


def prefix_end(prefix: str) -> str:
    """Return a string above every path that begins with `prefix`, and below all others after it."""
    return prefix + chr(0x10FFFF)


def _fault(path: str) -> str | None:
    if path.startswith("/"):
        return "leave out the leading `/`"
    if not all(path.split("/")):
        return "no part of it may be empty"
    if {".", ".."} & set(path.split("/")):
        return "`.` and `..` are not allowed in it"
    if any(_forbidden(char) for char in path):
        return "control characters and backslashes are not allowed in it"
    if len(path.encode()) > MAX_DRIVE_PATH_BYTES:
        return f"it is over {MAX_DRIVE_PATH_BYTES} bytes"
    return None


def _forbidden(char: str) -> bool:
    point = ord(char)
    noncharacter = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return char == "\\" or noncharacter or unicodedata.category(char) in {"Cc", "Cs"}
