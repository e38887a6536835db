"""One build of an environment: `uv` inside the isolation, watched for time and size."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

from puras.server.worker.isolation.layers import Policy
from puras.server.worker.process import confined, processes
from puras.server.worker.process.output import LineSplitter

_WATCH_SECONDS = 1.0
_MAX_LOCK_BYTES = 16 * 1024 * 1024
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_FROM_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
}


class BuildFailed(Exception):
    """A step of a build failed; the text is a sentence."""


class BuildKilled(Exception):
    """Somebody else killed a build, which says nothing about what was to be built: try again."""


@dataclass(frozen=True, slots=True)
class Build:
    """`place` is the workspace's, with its cache; `folder` lies in it and is this build's own."""

    place: Path
    folder: Path
    home: Path
    mark: str
    namespaces: bool
    most_bytes: int
    say: Callable[[str], None]

    async def lock(self, requirements: str) -> bytes:
        """Resolve requirements to versions and hashes. Raises BuildFailed, BuildKilled."""
        wanted, found = self.folder / "requirements.txt", self.folder / "lock.txt"
        wanted.write_text(requirements, "utf-8")
        await self._uv(
            *("pip", "compile", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
            *("--python", str(interpreter()), "--output-file", str(found), str(wanted)),
        )
        return _own_bytes(found)

    async def install(self, lock: bytes) -> Path:
        """Make a whole, read-only environment from a lock and return its folder.

        Raises BuildFailed, BuildKilled.
        """
        environment, lock_file = self.folder / "environment", self.folder / "install.txt"
        await self._uv(
            "venv", "--quiet", "--relocatable", "--python", str(interpreter()), str(environment)
        )
        if lock.strip():
            lock_file.write_bytes(lock)
            await self._uv(
                *("pip", "sync", "--require-hashes", "--compile-bytecode"),
                *("--python", str(environment / "bin" / "python"), str(lock_file)),
            )
        await asyncio.to_thread(_make_read_only, environment)
        return environment

    async def _uv(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *confined.command_line(self._policy(), [uv.find_uv_bin(), *arguments]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment(),
            cwd=self.folder,
            start_new_session=True,
        )
        watch = asyncio.create_task(self._watch(process.pid))
        try:
            await self._listen(process)
            code = await process.wait()
        finally:
            watch.cancel()
            if process.returncode is None:
                processes.kill_family(process.pid)
                await process.wait()
        if watch.done() and not watch.cancelled():
            raise BuildFailed(f"the environment takes more than {self.most_bytes:,} bytes")
        if code == -signal.SIGKILL:
            raise BuildKilled(f"uv {' '.join(arguments[:2])} was killed")
        if code:
            raise BuildFailed(f"uv {' '.join(arguments[:2])} ended with exit code {code}")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        splitter = LineSplitter()
        while data := await process.stdout.read(64 * 1024):
            for line in splitter.feed(data):
                self.say(line)
        for line in splitter.finish():
            self.say(line)

    async def _watch(self, pid: int) -> None:
        """Return after killing the build when it took more than its bytes."""
        before = await asyncio.to_thread(_size, self.place)
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if await asyncio.to_thread(_size, self.place) - before > self.most_bytes:
                return processes.kill_family(pid)

    def _policy(self) -> Policy:
        links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS") or ""
        return Policy(
            bundle="",
            runtime="",
            writable=str(self.place),
            home=str(self.home),
            namespaces=self.namespaces,
            also=(*links.split(","), str(Path(uv.find_uv_bin()).parent)),
        )

    def _environment(self) -> Mapping[str, str]:
        names = [*_PASSED_ON, *_PROXIES, *map(str.upper, _PROXIES)]
        kept = {name: os.environ[name] for name in names if name in os.environ}
        translated = {_FROM_PIP[name]: os.environ[name] for name in _FROM_PIP & os.environ.keys()}
        own = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
        (self.folder / "tmp").mkdir(exist_ok=True)
        return {
            "LANG": "C.UTF-8",
            "UV_SYSTEM_CERTS": "1",
            **kept,
            **translated,
            **own,
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "UV_CACHE_DIR": str(self.place / "cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            processes.MARK: self.mark,
        }


def interpreter() -> Path:
    """Return the interpreter that environments are made from: the server's own, outside of its
    virtual environment."""
    return Path(sys.executable).resolve()


def platform_tag() -> str:
    """Name what an installed package may depend on beside its own version."""
    python = f"{platform.python_implementation()}-{platform.python_version()}"
    return "-".join((python, platform.machine(), *platform.libc_ver()))


def _own_bytes(file: Path) -> bytes:
    """Read a file that code of a package could have replaced by a link."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BuildFailed(f"the lock can't be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_LOCK_BYTES:
            raise BuildFailed("the lock is no file of a sensible size")
        return opened.read()


def _size(folder: Path) -> int:
    return sum(
        os.lstat(os.path.join(path, name)).st_size
        for path, _, names in os.walk(folder)
        for name in names
        if os.path.lexists(os.path.join(path, name))
    )


def _make_read_only(folder: Path) -> None:
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(path, name)
            if not os.path.islink(file):
                os.chmod(file, os.stat(file).st_mode & 0o555)
        os.chmod(path, 0o555)
