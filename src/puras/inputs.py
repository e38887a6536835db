"""Read a file that a skill was given, in whichever of its forms it came.

A file in a skill's inputs is an object with one of `drive_path`, `url`, `data` (a data URI or
base64) or `base64`, or a string: a data URI, an http(s) URL, a drive path, or raw base64. URLs are
fetched by the worker, which refuses addresses that are not public.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from puras import _channel, drive
from puras.errors import BadRequestError, NotFoundError

_KINDS = ("drive_path", "url", "data", "base64")
_MAX_DRIVE_PATH_BYTES = 1024


class _Content(NamedTuple):
    """Bytes that came with the input itself, or a file that the worker put in the run's folder."""

    data: bytes | None
    file: Path | None
    suffix: str


def load_bytes(value: str | bytes | Mapping[str, Any]) -> bytes:
    """Return the bytes of a file input.

    Raises:
        ValueError: the value has none of the forms of a file.
        PurasAPIError: the drive or the web would not give it.
    """
    if isinstance(value, bytes):
        return value
    content = _content(value)
    if content.file is None:
        return content.data or b""
    try:
        return content.file.read_bytes()
    finally:
        content.file.unlink()


def load_path(value: str | bytes | Mapping[str, Any]) -> Path:
    """Return a local file with the bytes of a file input: a copy, to be changed at will.

    Its suffix tells the type where it is known. It goes away with the run. Raises as `load_bytes`.
    """
    content = _Content(value, None, "") if isinstance(value, bytes) else _content(value)
    target = Path(os.environ["TMPDIR"]) / f"{_channel.new_file_name()}{content.suffix}"
    if content.file is not None:
        content.file.rename(target)
    else:
        target.write_bytes(content.data or b"")
    return target


def _content(value: str | Mapping[str, Any]) -> _Content:
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, Mapping):
        # Several may be there, as in a job's `outputs`: the drive is nearest, so it comes first.
        given = next((kind for kind in _KINDS if value.get(kind) is not None), None)
        if given is not None and isinstance(value[given], str):
            return _from_kind(given, value[given])
    raise ValueError(f"a file is a string, or an object with one of {', '.join(_KINDS)}")


def _from_kind(kind: str, text: str) -> _Content:
    if kind == "drive_path":
        return _from_drive(text)
    if kind == "url":
        return _from_data_uri(text) if _is_data_uri(text) else _from_web(text)
    if kind == "data" and _is_data_uri(text):
        return _from_data_uri(text)
    return _Content(_decoded(text), None, "")


def _from_text(text: str) -> _Content:
    if _is_data_uri(text):
        return _from_data_uri(text)
    if text[:8].lower().startswith(("http://", "https://")):
        return _from_web(text)
    if len(text.encode()) > _MAX_DRIVE_PATH_BYTES:
        return _Content(_decoded(text), None, "")
    try:
        return _from_drive(text)
    except (NotFoundError, BadRequestError):
        # A short text may be either: what is no file, but is base64, is base64.
        try:
            return _Content(_decoded(text), None, "")
        except ValueError:
            pass
        raise


def _from_drive(path: str) -> _Content:
    return _Content(None, drive.fetch_file("drive.read", path=path), Path(path).suffix)


def _from_web(url: str) -> _Content:
    answer = _channel.call("fetch", url=url)
    suffix = Path(urllib.parse.urlsplit(url).path).suffix or _suffix(answer.get("mime"))
    return _Content(None, _channel.run_folder() / str(answer["file"]), suffix)


def _from_data_uri(uri: str) -> _Content:
    head, comma, body = uri.partition(",")
    if not comma:
        raise ValueError("a data URI has a comma before its data")
    mime, *parameters = head[len("data:") :].split(";")
    raw = urllib.parse.unquote_to_bytes(body)
    is_base64 = any(parameter.strip().lower() == "base64" for parameter in parameters)
    return _Content(_decoded(raw.decode("latin-1")) if is_base64 else raw, None, _suffix(mime))


def _is_data_uri(text: str) -> bool:
    return text[:5].lower() == "data:"


def _decoded(text: str) -> bytes:
    """Decode base64, the URL-safe kind and one without padding too. Raises ValueError."""
    compact = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is no base64") from None


def _suffix(mime: str | None) -> str:
    plain = (mime or "").partition(";")[0].strip()
    return (mimetypes.guess_extension(plain) or "") if plain else ""
