"""The worker's warm parents: at most 32, one for each deployment, environment, workspace and
version of the secrets. One without a run for five minutes ends; so does, as soon as its runs are
over, one whose secrets have changed.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import NamedTuple

from puras.server.worker.isolation import probe
from puras.server.worker.isolation.layers import PREFIX_PARTS, Policy
from puras.server.worker.process import processes
from puras.server.worker.process.run_folder import RunFolders
from puras.server.worker.process.warm_parent import WarmParent
from puras.server.worker.spec import RunSpec

MAX_ZYGOTES = 32


class _Key(NamedTuple):
    deployment_id: str
    python: str
    workspace_id: str
    secrets_version: str


class Zygotes:
    """Gives out warm parents, starts those that are missing, ends those that nobody needs."""

    def __init__(
        self,
        home: Path,
        folders: RunFolders,
        *,
        idle_seconds: float,
        limit: int = MAX_ZYGOTES,
        namespaces: bool,
        network: bool = True,
    ) -> None:
        self._home = home.resolve()
        self._folders = folders
        self._idle_seconds = idle_seconds
        self._limit = limit
        self._namespaces = namespaces
        self._network = network
        self._numbers = itertools.count()
        self._parents: dict[_Key, WarmParent] = {}
        self._starting: dict[_Key, asyncio.Task[WarmParent]] = {}
        self._timers: dict[_Key, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._room = asyncio.Condition()

    async def obtain(self, spec: RunSpec) -> WarmParent:
        """Return the warm parent for a run; `release` it afterwards.

        Raises:
            ZygoteBroken: none can be started for this deployment.
            ZygoteGone: it was killed, or too slow, while it started.
        """
        key = _key(spec)
        for other in [other for other in self._parents if _differs_in_secrets(other, key)]:
            self._dismiss(other)
        parent = self._parents.get(key) or await self._start_once(key, spec)
        parent.users += 1
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if self._parents.pop(key, None) is not None:
            # The one used last is the last to make room for another.
            self._parents[key] = parent
        return parent

    async def release(self, spec: RunSpec, parent: WarmParent) -> None:
        key = _key(spec)
        parent.users -= 1
        if parent.users == 0 and self._parents.get(key) is parent:
            self._arm(key)
        elif parent.users == 0:
            self._end(parent)
        async with self._room:
            self._room.notify_all()

    async def close(self) -> None:
        """Kill every warm parent with all its runs."""
        for task in list(self._starting.values()):
            task.cancel()
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        parents = list(self._parents.values())
        for key in list(self._parents):
            self._dismiss(key)
        await asyncio.gather(*(parent.end() for parent in parents), *self._ending)

    async def _start_once(self, key: _Key, spec: RunSpec) -> WarmParent:
        if key not in self._starting:
            task = asyncio.create_task(self._start(key, spec))
            task.add_done_callback(lambda _: self._starting.pop(key))
            self._starting[key] = task
        return await asyncio.shield(self._starting[key])

    async def _start(self, key: _Key, spec: RunSpec) -> WarmParent:
        async with self._room:
            await self._room.wait_for(self._has_room)
        user = self._user(spec)
        policy = Policy(
            bundle=str(spec.bundle.resolve()),
            runtime=str(self._folders.runtime),
            writable=str(self._folders.for_zygote(user)),
            home=str(self._home),
            user=user,
            namespaces=self._namespaces,
            network=self._network,
            also=_environment_parts(spec.python),
        )
        mark = processes.data_mark(self._home)
        parent = await WarmParent.start(spec, self._folders, policy=policy, mark=mark)
        self._parents[key] = parent
        self._arm(key)
        parent.gone.add_done_callback(lambda _: self._dismiss(key, only=parent))
        return parent

    def _user(self, spec: RunSpec) -> int | None:
        needed = (spec.python, spec.bundle, self._folders.root, self._folders.runtime / "puras")
        return probe.user_for(next(self._numbers), needed)

    def _has_room(self) -> bool:
        if len(self._parents) + len(self._starting) <= self._limit:
            return True
        idle = next((key for key, parent in self._parents.items() if parent.users == 0), None)
        if idle is None:
            return False
        self._dismiss(idle)
        return True

    def _arm(self, key: _Key) -> None:
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(self._idle_seconds, self._dismiss, key)

    def _dismiss(self, key: _Key, *, only: WarmParent | None = None) -> None:
        """Give a warm parent to no further run, and end it once it has none."""
        parent = self._parents.get(key)
        if parent is None or (only is not None and only is not parent):
            return
        del self._parents[key]
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if parent.users == 0:
            self._end(parent)

    def _end(self, parent: WarmParent) -> None:
        task = asyncio.create_task(parent.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _key(spec: RunSpec) -> _Key:
    return _Key(spec.deployment_id, str(spec.python), spec.workspace_id, spec.secrets_version)


def _environment_parts(python: Path) -> tuple[str, ...]:
    """What an interpreter needs to start: its environment, and the installation behind that."""
    prefixes = (python.absolute().parent.parent, python.resolve().parent.parent)
    return tuple(str(prefix / part) for prefix in prefixes for part in PREFIX_PARTS)


def _differs_in_secrets(one: _Key, other: _Key) -> bool:
    return one[:3] == other[:3] and one != other
