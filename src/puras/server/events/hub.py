"""Who is waiting for which job's events, and the newest of them at hand.

A commit publishes its events here. Readers of that job wake, and take what they miss from the
short tail that is kept while anyone watches; a reader that fell behind the tail goes to the log.
So an event is encoded once for all its readers, and a slow one costs nothing.

Where other processes write events too, `tell` passes on what was committed here, and `receive`,
`stir` take what was committed there (`events/elsewhere.py`).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from puras.server.events.store import StoredEvent
from puras.server.metrics.instruments import ENDS
from puras.wire import TERMINAL_STATUSES

_TAIL_EVENTS = 256
_TAIL_BYTES = 1024 * 1024


class Encoded(NamedTuple):
    """One event as its two lines of JSON. `ends_with` is the terminal status that it tells."""

    id: int
    full: bytes
    public: bytes
    ends_with: str | None = None

    def view(self, *, public: bool) -> bytes:
        return self.public if public else self.full


def encode(event: StoredEvent) -> Encoded:
    full = event.encode(public=False)
    differs = event.public_payload is not None
    public = event.encode(public=True) if differs else full
    return Encoded(event.id, full, public, terminal_status(event))


def terminal_status(event: StoredEvent) -> str | None:
    """Return the status that an event says is the job's last one, or None."""
    if event.type != "status":
        return None
    status = str(json.loads(event.payload)["status"])
    return status if status in TERMINAL_STATUSES else None


@dataclass(slots=True)
class Topic:
    """What the watchers of one job share."""

    watchers: int = 0
    tail: deque[Encoded] = field(default_factory=deque)
    tail_bytes: int = 0
    version: int = 0
    waiters: set[asyncio.Future[None]] = field(default_factory=set)
    newest: int | None = None

    def keep(self, event: Encoded) -> None:
        """Add to the tail, which is always free of gaps; what would tear one starts a new tail."""
        if event.id <= (self.newest or 0):
            return
        if self.tail and event.id != self.tail[-1].id + 1:
            self.tail.clear()
            self.tail_bytes = 0
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

    def wake(self) -> None:
        self.version += 1
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


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
        return [event for event in tail if event.id > after]

    def goes_on(self) -> bool:
        """Tell whether the newest event is at hand, and not the job's last one."""
        tail = self._topic.tail
        return bool(tail) and tail[-1].ends_with is None

    async def wait(self, timeout: float) -> bool:
        """Return True once something was published since the last wait, False at the timeout."""
        topic = self._topic
        if topic.version == self._seen:
            waiter = asyncio.get_running_loop().create_future()
            topic.waiters.add(waiter)
            try:
                # Not `wait_for`: before Python 3.12 it loses a cancel that comes with a wake.
                async with asyncio.timeout(timeout):
                    await waiter
            except TimeoutError:
                return False
            finally:
                topic.waiters.discard(waiter)
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
        woken = set()
        for event in events:
            if (topic := self._topics.get(event.job_id)) is not None:
                topic.keep(encode(event))
                woken.add(event.job_id)
        for job_id in woken:
            self._topics[job_id].wake()

    def close(self) -> None:
        """Wake everybody for good: open streams end, and their clients resume elsewhere."""
        self.closing = True
        for topic in self._topics.values():
            topic.wake()
