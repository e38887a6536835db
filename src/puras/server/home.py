"""The data folder: one server at a time, and the keys that everything else is derived from.

The folder and what lies in it can be read by the server's own user only. A lock that the kernel
drops with the process keeps a second server out; its file tells which process has it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import hmac
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from puras.server.settings import BadSetting, Settings

_KEY_BYTES = 32


class DataInUse(RuntimeError):
    """Another server has the data folder. `pid` is its process, None where it can't be told."""

    code = "data_in_use"

    def __init__(self, home: Path, pid: int | None) -> None:
        who = "another Puras server" if pid is None else f"another Puras server (process {pid})"
        super().__init__(
            f"data_in_use: {who} uses {home}: stop it, or start this one with another --data folder"
        )
        self.pid = pid


class Home:
    """A data folder that is this process's alone until `close`."""

    def __init__(self, path: Path) -> None:
        """Make the folder if needed, lock it, and clear what a killed server left half-way.

        Raises:
            DataInUse: another server has it.
        """
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(path / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _read_pid(self._lock)
            os.close(self._lock)
            raise DataInUse(path, pid) from None
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        shutil.rmtree(incoming(path), ignore_errors=True)

    def close(self) -> None:
        """Let another server have the folder. Closing twice is no error."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def own_home(shared: Path) -> Home:
    """Return a folder for one process of several that share a data folder: the first that is free.

    After a process was killed the next one gets its folder, and clears it.
    """
    shared.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in itertools.count():
        with contextlib.suppress(DataInUse):
            return Home(shared / f"process-{number}")
    raise AssertionError("one of them is free")


def settings_of_one(settings: Settings, home: Home) -> Settings:
    """Return the settings of one process of several: its own folder, the files and keys of all."""
    settings.files_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = (base64.b64encode(key).decode() for key in secrets_keys(settings))
    return replace(settings, home=home.path, files=settings.files_path, secrets_key=",".join(keys))


def incoming(home: Path) -> Path:
    """Return the folder for uploads on their way in; it is emptied at start."""
    return home / "incoming"


def running_pid(home: Path) -> int | None:
    """Return the process that serves a data folder, or None where none does."""
    try:
        lock = os.open(home / "server.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(lock)
    finally:
        os.close(lock)
    return None


def running_pids(home: Path) -> list[int]:
    """Return the processes that work in a data folder, or in a part of it."""
    return [pid for folder in homes(home) if (pid := running_pid(folder)) is not None]


def homes(home: Path) -> Iterator[Path]:
    """Yield a data folder, and those of single processes in it."""
    yield home
    yield from sorted(home.glob("process-*"))


def secrets_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the keys that protect secrets: the first is used for new ones, all of them for old.

    They come from `PURAS_SECRETS_KEY`, else from a file in the data folder that is made here.

    Raises:
        BadSetting: a key is not 32 bytes in base64.
    """
    if settings.secrets_key:
        texts = [text for text in settings.secrets_key.split(",") if text.strip()]
        return tuple(_decode(text) for text in texts or [""])
    file = secrets_keys_file(settings.home)
    if not file.exists():
        _write_once(file, base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)))
    return (_decode(file.read_text("ascii")),)


def secrets_keys_file(home: Path) -> Path:
    """Return where the key is kept that the first start makes."""
    return home / "secrets.key"


def derived_key(secret: bytes, purpose: str) -> bytes:
    """Derive a key of its own for one purpose, so that none is used for two."""
    return hmac.digest(secret, f"puras:{purpose}".encode(), hashlib.sha256)


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadSetting(
            "PURAS_SECRETS_KEY takes keys of 32 bytes in base64, separated by commas: make one "
            "with `openssl rand -base64 32`"
        )
    return key


def _write_once(file: Path, data: bytes) -> None:
    """Write a file for our own eyes, unless another process has just written it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data + b"\n")
        out.flush()
        os.fsync(out.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def _read_pid(lock: int) -> int | None:
    text = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None
