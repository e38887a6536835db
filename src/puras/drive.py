"""The drive, as a skill sees it: files of the workspace, as far as this run reaches.

Paths are relative, `/`-separated. A run that the workspace's own key started reaches all of it;
others read what their inputs name and write below `jobs/<job id>/`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from puras import _channel

_Files = list[dict[str, Any]]
Content = bytes | bytearray | memoryview | str | os.PathLike[str]


def sign(path: str, ttl: int = 3600) -> dict[str, Any]:
    """Make a URL that reads a file without a key for `ttl` seconds (30 to 2,592,000).

    Returns `{path, signed_url, expires_in}`.
    """
    return dict(_channel.call("drive.sign", path=path, ttl=ttl))


def url(path: str, ttl: int = 3600) -> str:
    """Make a URL that reads a file without a key for `ttl` seconds: `sign(path)["signed_url"]`."""
    return str(sign(path, ttl)["signed_url"])


def read(path: str) -> bytes:
    """Return a file's bytes. Raises NotFoundError where there is none within reach."""
    file = fetch_file("drive.read", path=path)
    try:
        return file.read_bytes()
    finally:
        file.unlink()


def write(path: str, data: Content) -> str:
    """Write a file and return its drive path.

    `data` is bytes, text (kept as UTF-8), or the path of a local file to copy.
    """
    name = _channel.new_file_name()
    file = _channel.run_folder() / name
    try:
        _put(file, data)
        return str(_channel.call("drive.write", path=path, file=name)["drive_path"])
    finally:
        file.unlink(missing_ok=True)


def list(prefix: str = "") -> _Files:
    """List the files whose paths begin with `prefix`: `{drive_path, size_bytes, mime, …}` each."""
    return [dict(file) for file in _channel.call("drive.list", prefix=prefix)]


def fetch_file(verb: str, **arguments: Any) -> Path:
    """Ask for a file and return where in the run's folder it lies; the caller removes it."""
    return _channel.run_folder() / str(_channel.call(verb, **arguments)["file"])


def _put(file: Path, data: Content) -> None:
    if isinstance(data, str):
        file.write_bytes(data.encode())
    elif isinstance(data, os.PathLike):
        shutil.copyfile(data, file)
    else:
        file.write_bytes(data)
