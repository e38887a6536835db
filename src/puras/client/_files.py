"""The file of an upload: a path, bytes or a binary file object. Streamed, never read whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from typing import BinaryIO, NamedTuple, TypeAlias

File: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO


class Source(NamedTuple):
    """What is sent. `path` is where in the drive it shall go; None: the server chooses."""

    name: str
    content: bytes | BinaryIO | _OneWay
    path: str | None
    rewindable: bool = True


class _OneWay:
    """A pipe or the like: it can only be read on, and has no length to announce."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read


@contextmanager
def opened(file: File, path: str | None) -> Iterator[Source]:
    """Open what shall be uploaded, and close it afterwards if it was opened here.

    A file object is sent from its beginning; one that can't seek, from where it is.

    Raises:
        OSError: the path can't be opened.
        TypeError: the file object is not a binary one.
    """
    if isinstance(file, bytes):
        yield Source(_basename(path) or "upload", file, path)
    elif isinstance(file, str | os.PathLike):
        with open(file, "rb") as content:
            yield Source(os.path.basename(os.fspath(file)), content, path)
    else:
        yield _given(file, path)


def _given(file: BinaryIO, path: str | None) -> Source:
    given: object = file
    if isinstance(given, TextIOBase) or not hasattr(given, "read"):
        raise TypeError("upload takes a path, bytes or a file object opened in binary mode")
    name = _basename(path) or _basename(getattr(file, "name", None)) or "upload"
    if file.seekable():
        return Source(name, file, path)
    return Source(name, _OneWay(file), path, rewindable=False)


def _basename(path: object) -> str:
    return os.path.basename(path) if isinstance(path, str) else ""
