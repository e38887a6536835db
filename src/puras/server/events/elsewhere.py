"""Several processes on one database: what is committed in one, the others learn at once.

    a commit here   → `told`, `wake` → gathered, a few milliseconds at most → one message
    a message       → readers of that job wake here, runs of ended jobs stop, workers look for jobs
    each second     → the same for what no message told of, with one query for all watched jobs

A message says how far a job's log reaches, not what is in it: the events are fetched once for all
readers of this process, and only of jobs that somebody watches.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from puras.server.clock import new_id
from puras.server.db.channel import MAX_MESSAGE_BYTES, Channel
from puras.server.db.database import Database
from puras.server.events import store
from puras.server.events.encoded import terminal_status
from puras.server.events.hub import Hub
from puras.server.events.store import StoredEvent

LOOK_SECONDS = 1.0
_MOST_JOBS = MAX_MESSAGE_BYTES // 100
_MOST_AHEAD = 256
_AT_ONCE = 32
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class News:
    """What there is to tell: how far logs reach, which jobs are over, whether to look for jobs."""

    reached: dict[str, int] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    wake: bool = False

    def messages(self, sender: str) -> Iterator[str]:
        """Write it as messages, each short enough to be sent."""
        jobs = list(self.reached.items())
        for start in range(0, max(len(jobs), 1), _MOST_JOBS):
            part = dict(jobs[start : start + _MOST_JOBS])
            yield json.dumps(
                {
                    "sender": sender,
                    "reached": part,
                    "ended": [job_id for job_id in part if job_id in self.ended],
                    "wake": self.wake,
                },
                separators=(",", ":"),
            )


class Elsewhere:
    """Joins the hub and the worker of this process to those of the others.

    `let_go` stops the runs of ended jobs, `woken` lets the worker look for jobs, `look` is done
    each second.
    """

    def __init__(self, db: Database, url: str) -> None:
        self.hub = Hub(self.told)
        self.let_go: Callable[[Collection[str]], None] = lambda ended: None
        self.woken: Callable[[], None] = lambda: None
        self.look: Callable[[], Awaitable[None]] = _nothing
        self._db = db
        self._name = new_id()
        self._channel = Channel(url, self.hear)
        self._news = News()
        self._behind: dict[str, int] = {}
        self._sending: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to hear and to look."""
        await self._channel.open()
        self._looking = asyncio.create_task(self._look_for_ever(), name="puras-look")

    async def close(self) -> None:
        """Tell what is still to be told, and hear no more."""
        if self._sending is not None:
            await self._sending
        tasks = [task for task in (self._looking, self._catching_up) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._channel.close()

    def told(self, events: Sequence[StoredEvent]) -> None:
        """Tell others of events that were committed here."""
        for event in events:
            self._news.reached[event.job_id] = event.id
            if terminal_status(event) is not None:
                self._news.ended.add(event.job_id)
        self._send_soon()

    def wake(self) -> None:
        """Tell others that there may be something to claim."""
        self._news.wake = True
        self._send_soon()

    def hear(self, message: str) -> None:
        """Act on a message of another process."""
        news = json.loads(message)
        if news["sender"] != self._name:
            self._catch_up(news["reached"])
            if news["ended"]:
                self.let_go(news["ended"])
            if news["wake"]:
                self.woken()

    def _send_soon(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name="puras-tell")

    async def _send(self) -> None:
        """Send message after message while there is news; it gathers while one is on its way."""
        while self._news != News():
            news, self._news = self._news, News()
            try:
                for message in news.messages(self._name):
                    await self._channel.send(message)
            except Exception as error:
                _log.warning("others_not_told", error=str(error))

    def _catch_up(self, reached: Mapping[str, int]) -> None:
        watched = self.hub.watched()
        for job_id, last_id in reached.items():
            if job_id in watched and last_id > (watched[job_id] or 0):
                self._behind[job_id] = max(last_id, self._behind.get(job_id, 0))
        if self._behind and (self._catching_up is None or self._catching_up.done()):
            self._catching_up = asyncio.create_task(self._fetch(), name="puras-catch-up")

    async def _fetch(self) -> None:
        while self._behind:
            some = [self._behind.popitem() for _ in range(min(len(self._behind), _AT_ONCE))]
            try:
                await self._fetch_some(dict(some))
            except Exception as error:
                _log.warning("others_not_followed", error=str(error))
                return  # the next look finds them again

    async def _fetch_some(self, reached: Mapping[str, int]) -> None:
        """Bring the tails of some jobs up to date; what is too much, readers get from the log."""
        watched = self.hub.watched()
        known = {job_id: newest for job_id in reached if (newest := watched.get(job_id))}
        near = {job_id for job_id in known if reached[job_id] - known[job_id] <= _MOST_AHEAD}
        for job_id in reached.keys() - near:
            self.hub.stir(job_id, reached[job_id])
        after = {job_id: known[job_id] for job_id in near}
        events = await self._db.read(lambda tx: store.after_each(tx, after, limit=_MOST_AHEAD))
        self.hub.receive(events)
        found = {event.job_id: event.id for event in events}
        for job_id in near:
            if found.get(job_id, 0) < reached[job_id]:
                self.hub.stir(job_id, reached[job_id])

    async def _reached(self, job_ids: list[str]) -> dict[str, int]:
        return await self._db.read(lambda tx: store.reached(tx, job_ids))

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
                if watched := list(self.hub.watched()):
                    self._catch_up(await self._reached(watched))
            except Exception as error:
                _log.warning("others_not_looked_at", error=str(error))


async def _nothing() -> None:
    """Nothing has to be looked at in a process that only serves."""
