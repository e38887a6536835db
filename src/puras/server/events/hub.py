"""Who is waiting for which job's events, and the newest of them at hand.

A commit publishes its events here. Readers of that job wake, and take what they miss from the
short tail that is kept while anyone watches; a reader that fell behind the tail goes to the log.
So an event is encoded once for all its readers, and a slow one costs nothing.

Each wake costs the more, the more readers there are. So a topic rests after it: the first event
after a silence goes at once, those of a flood go together, and the last one of a job waits for
nobody. What all readers at one place are to be sent is joined once.

Where other processes write events too, `tell` passes on what was committed here, and `receive`,
`stir` take what was committed there (`events/elsewhere.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from puras.server.events.encoded import (
    Encoded,
    Page,
    encode,
    first_page,
    join,
    terminal_status,
)
from puras.server.events.store import StoredEvent
from puras.server.metrics.instruments import ENDS

_TAIL_EVENTS = 256
_TAIL_BYTES = 1024 * 1024
REST_SECONDS = 0.0002
"""How long a topic rests for each reader that it has woken: several times what that one costs."""
MAX_REST_SECONDS = 0.25


@dataclass(slots=True)
class Topic:
    """What the watchers of one job share."""

    watchers: int = 0
    tail: deque[Encoded] = field(default_factory=deque)
    tail_bytes: int = 0
    version: int = 0
    waiters: set[asyncio.Future[bool]] = field(default_factory=set)
    newest: int | None = None
    rested_at: float = 0
    alarm: asyncio.TimerHandle | None = None
    pages: dict[bool, Page] = field(default_factory=dict)

    def keep(self, event: Encoded) -> None:
        """Add to the tail, which is always free of gaps; what would tear one starts a new tail."""
        if event.id <= (self.newest or 0):
            return
        if self.tail and event.id != self.tail[-1].id + 1:
            self.tail.clear()
            self.tail_bytes = 0
        self.pages.clear()
        self.newest = event.id
        self.tail.append(event)
        self.tail_bytes += len(event.full)
        while len(self.tail) > _TAIL_EVENTS or self.tail_bytes > _TAIL_BYTES:
            self.tail_bytes -= len(self.tail.popleft().full)

    def forget(self, newest: int) -> None:
        """Send everybody to the log: events up to `newest` are there, and not in the tail."""
        self.newest = max(newest, self.newest or 0)
        self.tail.clear()
        self.tail_bytes = 0
        self.pages.clear()

    def wake_rested(self) -> None:
        """Wake the readers once the topic has had its rest, which may be now."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self.rested_at:
            self.wake()
        elif self.alarm is None:
            self.alarm = loop.call_at(self.rested_at, self.wake)

    def wake(self) -> None:
        self._silence()
        self.version += 1
        rest = min(len(self.waiters) * REST_SECONDS, MAX_REST_SECONDS)
        self.rested_at = asyncio.get_running_loop().time() + rest
        for waiter in self.waiters:
            _settle(waiter, True)
        self.waiters.clear()

    async def woken(self, timeout: float) -> bool:
        """Return True at the next wake, False at the timeout."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        # No `wait_for`: before Python 3.12 it loses a cancel that comes with a wake.
        expiry = loop.call_later(timeout, _settle, waiter, False)
        self.waiters.add(waiter)
        try:
            return await waiter
        finally:
            expiry.cancel()
            self.waiters.discard(waiter)

    def _silence(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None


class Watch:
    """One reader's view of a topic."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._seen = topic.version

    def tail_after(self, after: int) -> list[Encoded] | None:
        """Return the events above `after`, or None where the tail does not reach back so far."""
        tail = self._topic.tail
        if not tail or tail[0].id > after + 1:
            return None
        if after >= tail[-1].id:
            return []
        return list(islice(tail, after + 1 - tail[0].id, None))

    def page_after(self, after: int, *, public: bool) -> Page | None:
        """Return a page of the events above `after`, or None where the tail does not reach back so
        far. Readers at the same place share the page."""
        pages = self._topic.pages
        if (page := pages.get(public)) is not None and page.after == after:
            return page
        if (tail := self.tail_after(after)) is None:
            return None
        page = join(first_page(tail), after=after, public=public)
        if page.text and self._topic.watchers > 1:
            pages[public] = page
        return page

    def goes_on(self) -> bool:
        """Tell whether the newest event is at hand, and not the job's last one."""
        tail = self._topic.tail
        return bool(tail) and tail[-1].ends_with is None

    async def wait(self, timeout: float) -> bool:
        """Return True once readers were woken since the last wait, False at the timeout."""
        topic = self._topic
        if topic.version == self._seen and not await topic.woken(timeout):
            return False
        self._seen = topic.version
        return True


class Hub:
    """Topics by job, for as long as somebody watches. One event loop only."""

    def __init__(self, tell: Callable[[Sequence[StoredEvent]], None] | None = None) -> None:
        self._topics: dict[str, Topic] = {}
        self._tell = tell
        self.closing = False

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Watch]:
        """Watch a job; begin before the first look at the log, so that nothing falls between."""
        topic = self._topics.setdefault(job_id, Topic())
        topic.watchers += 1
        try:
            yield Watch(topic)
        finally:
            topic.watchers -= 1
            if topic.watchers == 0:
                self._topics.pop(job_id, None)

    def watched(self) -> dict[str, int | None]:
        """Return the newest event that is known here of each job that somebody watches."""
        return {job_id: topic.newest for job_id, topic in self._topics.items()}

    def publish(self, events: Sequence[StoredEvent]) -> None:
        """Hand out events that this process committed; those of a job come in order of ids."""
        self.receive(events)
        for status in filter(None, map(terminal_status, events)):
            ENDS.labels(status).inc()
        if self._tell is not None and events:
            self._tell(events)

    def stir(self, job_id: str, newest: int) -> None:
        """Let the readers of a job look into the log, which reaches to `newest` now."""
        if (topic := self._topics.get(job_id)) is not None:
            topic.forget(newest)
            topic.wake()

    def receive(self, events: Iterable[StoredEvent]) -> None:
        """Hand out committed events, whoever committed them."""
        stirred: dict[str, Encoded] = {}
        for event in events:
            if (topic := self._topics.get(event.job_id)) is not None:
                encoded = stirred[event.job_id] = encode(event)
                topic.keep(encoded)
        for job_id, newest in stirred.items():
            topic = self._topics[job_id]
            topic.wake_rested() if newest.ends_with is None else topic.wake()

    def close(self) -> None:
        """Wake everybody for good: open streams end, and their clients resume elsewhere."""
        self.closing = True
        for topic in self._topics.values():
            topic.wake()


def _settle(waiter: asyncio.Future[bool], woken: bool) -> None:
    if not waiter.done():
        waiter.set_result(woken)
