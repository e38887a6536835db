"""Files that a conversation has already seen, for a draft that needs one: the newest comes first.

Where it has seen none of a kind, there is a small real file to take its place, as a data URI.
"""

from __future__ import annotations

import base64
import functools
import json
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path

from puras.server.agent.messages import FilePart, Message

_URL = re.compile(r"""https?://[^\s"'<>`\\]+""")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)+)"')
_DRIVE_PATH = re.compile(r'"drive_path"\s*:\s*"((?:[^"\\]|\\.)+)"')
_SHOWN = frozenset({"image", "video", "audio"})
_NOWHERE = {"path": "draft.txt", "url": "https://draft.example/"}
"""What leads to nothing, with a network too: the domain is one that is kept for examples."""

_PLACEHOLDERS = {
    "image": ("draft.png", "image/png"),
    "video": ("draft.mp4", "video/mp4"),
    "audio": ("draft.wav", "audio/wav"),
    "file": ("draft.txt", "text/plain"),
}


class SeenFiles:
    """The files of a conversation, by kind."""

    def __init__(self, system: str, messages: list[Message]) -> None:
        self._newest_first = [*_seen(messages), *_in_text(system, [])]

    def take(self, kind: str) -> str:
        """Return a drive path, a URL or a data URI of a file of the kind.

        `kind` is `image`, `video`, `audio`, `file` (any), `path` (any in the drive), or `url`.
        """
        fits = (place for place in self._newest_first if _is_of(kind, place))
        found = next(fits, None)
        return found if found is not None else _placeholder(kind)


def _seen(messages: list[Message]) -> Iterator[str]:
    for message in reversed(messages):
        if message["role"] == "tools":
            for result in reversed(message["results"]):
                yield from _in_text(result["text"] if result["ok"] else "", result["files"])
        elif message["role"] == "user":
            yield from _in_text(message["text"], message["files"])


def _in_text(text: str, files: list[FilePart]) -> Iterator[str]:
    """Yield the files given with a text, then what the text itself names as JSON or as a URL."""
    yield from (file["drive_path"] for file in files)
    yield from map(_unquoted, _DRIVE_PATH.findall(text))
    yield from (url.rstrip(".,;:)]}") for url in _URL.findall(text))
    yield from (place for place in map(_unquoted, _QUOTED.findall(text)) if _kind(place) in _SHOWN)


def _unquoted(inner: str) -> str:
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        return inner


def _is_of(kind: str, place: str) -> bool:
    if kind == "path":
        return "://" not in place
    if kind == "url":
        return "://" in place
    if kind == "file":
        return "://" not in place or _kind(place) != ""
    return _kind(place) == kind


def _kind(place: str) -> str:
    """Return what a file is by its name: `image`, `video`, `audio`; empty for anything else."""
    mime = mimetypes.guess_type(place.partition("?")[0])[0]
    family = (mime or "").partition("/")[0]
    return family if family in _SHOWN else ""


@functools.cache
def _placeholder(kind: str) -> str:
    if kind in _NOWHERE:
        return _NOWHERE[kind]
    name, mime = _PLACEHOLDERS[kind]
    content = (Path(__file__).with_name("placeholders") / name).read_bytes()
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
