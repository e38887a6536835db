"""The environments of deployments: each is built once with `uv`, shared by those who need it, kept.

    <root>/locks/<requirements>.txt           what they were resolved to, with hashes
    <root>/environments/<key>/                finished, read-only; its python is what runs get
    <root>/workspaces/<workspace>/cache/      uv's, one a workspace: what is built from source could
                                              leave something for whoever comes next
    <root>/workspaces/<workspace>/build-…/    one being made; renamed when it is whole
    <root>/leaving/                           what is being removed

The key is made of the lock, Python, the platform and the workspace. Where the lock is known and the
environment is there, nothing needs the network. An environment under its key is always whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from puras.server.worker.build import Build, BuildFailed, interpreter, platform_tag
from puras.server.worker.isolation import probe
from puras.server.worker.process.clearing import remove
from puras.server.worker.process.processes import data_mark

BUILD_SECONDS = 600.0
BUILD_BYTES = 2 * 1024 * 1024 * 1024
_MAX_LOG_LINES = 2_000
_KEPT = ("locks", "environments", "workspaces")

OnLog = Callable[[str], None]


class EnvironmentBroken(Exception):
    """An environment can't be built. `log` is what `uv` said, and in its last line why it ended."""

    def __init__(self, log: str) -> None:
        super().__init__(log)
        self.log = log


@dataclass(slots=True, eq=False)
class _Said:
    """The lines of one build, and all who listen: who comes late hears what was said before."""

    lines: list[str] = field(default_factory=list)
    listeners: list[OnLog] = field(default_factory=list)

    def say(self, line: str) -> None:
        if len(self.lines) < _MAX_LOG_LINES:
            self.lines.append(line)
            for listen in self.listeners:
                listen(line)

    def listen(self, on_log: OnLog) -> None:
        for line in self.lines:
            on_log(line)
        self.listeners.append(on_log)


@dataclass(frozen=True, slots=True)
class _Wanted:
    requirements: str
    workspace_id: str

    def key(self, *parts: bytes) -> str:
        """Name this, and what it depends on, in a path."""
        whole = b"\0".join((platform_tag().encode(), self.workspace_id.encode(), *parts))
        return hashlib.sha256(whole).hexdigest()[:32]


class Environments:
    """All environments below `root`, which lies in the data folder `home` (default: its parent)."""

    def __init__(
        self,
        root: Path,
        *,
        home: Path | None = None,
        build_seconds: float = BUILD_SECONDS,
        build_bytes: int = BUILD_BYTES,
    ) -> None:
        self._root = root.resolve()
        self._home = (home or root.parent).resolve()
        self._build_seconds = build_seconds
        self._build_bytes = build_bytes
        self._building: dict[_Wanted, tuple[asyncio.Task[Path], _Said]] = {}
        self._known: dict[_Wanted, Path] = {}
        for name in _KEPT:
            (self._root / name).mkdir(parents=True, exist_ok=True)

    async def ensure(self, requirements: str, workspace_id: str, on_log: OnLog) -> Path:
        """Return the interpreter of an environment, built where there is none yet.

        `requirements` are the lines of a requirements.txt, `on_log` gets the build's lines.

        Raises:
            EnvironmentBroken: it can't be resolved or built, or not in 10 minutes and 2 GiB.
            BuildKilled: somebody else killed its build.
        """
        wanted = _Wanted(_plain(requirements), workspace_id)
        if (python := self._finished(wanted)) is not None:
            return python
        task, said = self._building.get(wanted) or self._begin(wanted)
        said.listen(on_log)
        try:
            return await asyncio.shield(task)
        finally:
            said.listeners.remove(on_log)

    def all(self) -> set[Path]:
        """Return every file and folder that is kept: to be asked before who needs them is."""
        kept = (self._root / name for name in _KEPT)
        return {path for folder in kept for path in folder.iterdir()}

    def needed(self, requirements: str, workspace_id: str) -> set[Path]:
        """Return those of `all` that stand for these requirements of a workspace."""
        wanted = _Wanted(_plain(requirements), workspace_id)
        lock = self._known_lock(wanted)
        made = set() if lock is None else {self._folder(wanted, lock)}
        return {self._lock_file(wanted), self._place(wanted), *made}

    async def drop(self, unneeded: Iterable[Path]) -> None:
        """Remove some of `all`. What a crash leaves of them is removed with the next ones."""
        leaving = self._root / "leaving"
        await asyncio.to_thread(remove, leaving)
        leaving.mkdir()
        for path in unneeded:
            _set_aside(path, leaving)
        await asyncio.to_thread(remove, leaving)

    async def close(self) -> None:
        """Stop every build."""
        tasks = [task for task, _ in self._building.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, wanted: _Wanted) -> tuple[asyncio.Task[Path], _Said]:
        said = _Said()
        task = asyncio.create_task(self._make(wanted, said))
        self._building[wanted] = task, said

        def forget(done: asyncio.Task[Path]) -> None:
            del self._building[wanted]
            if not done.cancelled():
                # A failure that nobody waits for any more is no warning.
                done.exception()

        task.add_done_callback(forget)
        return task, said

    def _finished(self, wanted: _Wanted) -> Path | None:
        python = self._known.get(wanted) or self._kept(wanted)
        if python is None or not python.exists():
            self._known.pop(wanted, None)
            return None
        self._known[wanted] = python
        return python

    def _kept(self, wanted: _Wanted) -> Path | None:
        lock = self._known_lock(wanted)
        return None if lock is None else self._folder(wanted, lock) / "bin" / "python"

    async def _make(self, wanted: _Wanted, said: _Said) -> Path:
        try:
            async with asyncio.timeout(self._build_seconds):
                return await self._build(wanted, said)
        except TimeoutError:
            said.lines.append(f"the build took longer than {self._build_seconds:g} s")
        except BuildFailed as failure:
            said.lines.append(str(failure))
        raise EnvironmentBroken("\n".join(said.lines))

    async def _build(self, wanted: _Wanted, said: _Said) -> Path:
        place = self._place(wanted)
        (place / "cache").mkdir(parents=True, exist_ok=True)
        namespaces = await asyncio.to_thread(probe.namespaces_work)
        with _folder(place) as folder:
            build = Build(
                place=place,
                folder=folder,
                home=self._home,
                mark=data_mark(self._home),
                namespaces=namespaces,
                most_bytes=self._build_bytes,
                say=said.say,
            )
            lock = self._known_lock(wanted)
            if lock is None:
                lock = await build.lock(wanted.requirements)
                _write_whole(self._lock_file(wanted), lock)
            target = self._folder(wanted, lock)
            if not target.exists():
                _keep(await build.install(lock), target)
            return target / "bin" / "python"

    def _known_lock(self, wanted: _Wanted) -> bytes | None:
        if not wanted.requirements:
            return b""
        try:
            return self._lock_file(wanted).read_bytes()
        except FileNotFoundError:
            return None

    def _lock_file(self, wanted: _Wanted) -> Path:
        return self._root / "locks" / f"{wanted.key(wanted.requirements.encode())}.txt"

    def _place(self, wanted: _Wanted) -> Path:
        return self._root / "workspaces" / wanted.key()

    def _folder(self, wanted: _Wanted, lock: bytes) -> Path:
        return self._root / "environments" / wanted.key(lock, str(interpreter()).encode())


def _keep(environment: Path, target: Path) -> None:
    """Give a finished environment its place."""
    environment.chmod(0o755)  # a folder is moved only by who may write it
    os.rename(environment, target)
    target.chmod(0o555)


def _set_aside(path: Path, leaving: Path) -> None:
    """Take something from its place at once, so that nobody meets half of it there."""
    if path.is_dir():
        path.chmod(0o755)
    os.rename(path, leaving / path.name)


@contextmanager
def _folder(place: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=place))
    try:
        yield folder
    finally:
        remove(folder)


def _write_whole(file: Path, data: bytes) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, file)


def _plain(requirements: str) -> str:
    """Drop what does not change the meaning: comments, blank lines, blanks at the ends."""
    lines = (line.strip() for line in requirements.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))
