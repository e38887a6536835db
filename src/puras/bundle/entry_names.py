"""The names in an archive: which may become a path on disk, and which clash with each other.

A name is relative, `/`-separated, UTF-8 in NFC, and lies where it says. Two names clash if any file
system in use could take them for one: after NFC, and without regard to case.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from zipfile import ZipInfo

from puras.bundle.faults import BadBundle

MAX_PATH_BYTES = 1024
MAX_SEGMENT_BYTES = 255
MAX_FOLDER_DEPTH = 32

_UTF8_FLAG = 0x800
_DRIVE = re.compile(r"[A-Za-z]:")


def decoded(entry: ZipInfo) -> str:
    """Return an entry's name as text in NFC, without the `/` that marks a folder.

    Raises:
        BadBundle: the name is not UTF-8, or can't be a path inside of a folder.
    """
    name = unicodedata.normalize("NFC", _text(entry))
    reason = _fault(name)
    if reason:
        raise BadBundle(reason, entry=name)
    return name.removesuffix("/")


def _text(entry: ZipInfo) -> str:
    name = entry.orig_filename
    if entry.flag_bits & _UTF8_FLAG:
        return name
    # Without the flag zipfile reads cp437; many tools write UTF-8 all the same.
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        raise BadBundle("the name is not UTF-8: pack with `puras deploy`", entry=name) from None


def _fault(name: str) -> str | None:
    segments = name.removesuffix("/").split("/")
    if "\\" in name:
        return "a name has `/` between folders, never a backslash"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "the name has control characters"
    if name.startswith("/") or _DRIVE.match(name):
        return "the name is an absolute path"
    if ".." in segments:
        return "the name leads out of the bundle"
    if not all(segments) or "." in segments:
        return "the name has an empty part"
    return _length_fault(name, segments)


def _length_fault(name: str, segments: list[str]) -> str | None:
    if len(name.encode()) > MAX_PATH_BYTES:
        return f"the name is longer than {MAX_PATH_BYTES} bytes"
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        return f"a part of the name is longer than {MAX_SEGMENT_BYTES} bytes"
    if len(segments) > MAX_FOLDER_DEPTH:
        return f"the file lies deeper than {MAX_FOLDER_DEPTH} folders"
    return None


@dataclass(slots=True)
class Names:
    """The names taken so far, folders included."""

    _taken: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, name: str, *, is_folder: bool) -> None:
        """Take a name and those of the folders above it.

        Raises:
            BadBundle: the name is taken, or differs from a taken one in case alone.
        """
        segments = name.split("/")
        for length in range(1, len(segments)):
            self._take_one("/".join(segments[:length]), name, is_folder=True)
        self._take_one(name, name, is_folder=is_folder)

    def _take_one(self, name: str, entry: str, *, is_folder: bool) -> None:
        key = unicodedata.normalize("NFC", name.casefold())
        if key not in self._taken:
            self._taken[key] = (name, is_folder)
            return
        taken, was_folder = self._taken[key]
        if taken != name:
            raise BadBundle(f"the name differs from `{taken}` in case alone", entry=entry)
        if not (is_folder and was_folder):
            raise BadBundle("the name is there twice", entry=entry)
