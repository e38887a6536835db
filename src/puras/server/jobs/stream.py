"""A job's log as Server-Sent Events: the backlog, then each event as it is committed.

Every reader is served from the log, at its own pace: the newest events come from the hub, encoded
once for all, anything older from the database page by page, and what is on its way to one reader
is a page at most. So a reader that stalls costs little memory and slows nobody. The key is looked
at again with every ping, each 15 seconds: a stream outlives it by no more than that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from puras.server.db.database import Unavailable
from puras.server.events import store as events
from puras.server.events.encoded import PAGE_BYTES, Encoded, Page, encode, first_page, join
from puras.server.events.hub import Hub, Watch
from puras.server.jobs import store as jobs
from puras.server.metrics.instruments import OPEN_STREAMS
from puras.wire import TERMINAL_STATUSES

if TYPE_CHECKING:
    from puras.server.db.database import Database

_PAGE = 500
_HEADERS = {
    # Named here, since Starlette would add a charset: some readers compare the type as a whole.
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_HEAD = b"retry: 2000\n: puras\n\n"
PING = b": ping\n\n"


class Gone(Exception):
    """The job was deleted. Its streams close without an `end`; who resumes is told."""


@dataclass(frozen=True, slots=True)
class Log:
    """One reader's way through a job's log. `public` chooses the view."""

    db: Database
    hub: Hub
    job_id: str
    public: bool

    async def after(self, watch: Watch, cursor: int) -> Sequence[Encoded]:
        """Return the next events above `cursor`, from the shared tail or from the log.

        Raises Gone where the next one is kept no longer."""
        tail = watch.tail_after(cursor)
        return await self._logged(cursor) if tail is None else first_page(tail)

    async def page(self, watch: Watch, cursor: int) -> Page:
        """Return the same as one text, which may be shared with other readers."""
        page = watch.page_after(cursor, public=self.public)
        if page is not None:
            return page
        return join(await self._logged(cursor), after=cursor, public=self.public)

    async def _logged(self, cursor: int) -> Sequence[Encoded]:
        page = await self.db.read(
            lambda tx: events.page(
                tx, job_id=self.job_id, after=cursor, limit=_PAGE, most_bytes=PAGE_BYTES
            )
        )
        if page and page[0].id != cursor + 1:
            raise Gone  # its log is being deleted, from its beginning on
        return [encode(event) for event in page]

    async def final(self, cursor: int) -> str | None:
        """Return the job's status if it is terminal and no event lies above `cursor`.

        Raises Gone where the job is kept no longer."""
        row = await self.db.read(lambda tx: jobs.get(tx, self.job_id))
        if row is None:
            raise Gone
        if row["status"] not in TERMINAL_STATUSES:
            return None
        return str(row["status"]) if row["last_event_id"] <= cursor else None


class Streamed(Response):
    """Sends chunks of Server-Sent Events until they end, or the reader goes away."""

    def __init__(self) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with OPEN_STREAMS.track_inprogress():
            await self._serve(receive, send)

    async def _serve(self, receive: Receive, send: Send) -> None:
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
        except OSError:
            return
        finally:
            for task in (writing, leaving):
                task.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        with suppress(Gone, Unavailable):  # the reader asks again, for what it has not seen
            async for chunk in self.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def chunks(self) -> AsyncIterator[bytes]:
        """Give the chunks, each of them whole events."""
        raise NotImplementedError


class EventStream(Streamed):
    """Streams a job's events after `after`, and ends with the job."""

    def __init__(
        self,
        log: Log,
        *,
        after: int,
        still_allowed: Callable[[], Awaitable[bool]],
        ping_seconds: float,
    ) -> None:
        super().__init__()
        self._log = log
        self._after = after
        self._still_allowed = still_allowed
        self._ping_seconds = ping_seconds

    async def chunks(self) -> AsyncIterator[bytes]:
        yield _HEAD
        log, cursor, looked = self._log, self._after, False
        pulse = Pulse(asyncio.get_running_loop().time, every=self._ping_seconds)
        with log.hub.watch(log.job_id) as watch:
            while not log.hub.closing:
                if (page := await log.page(watch, cursor)).text:
                    cursor, looked = page.last, True
                    pulse.spoke()
                    yield page.text
                    if page.ends_with is not None:
                        yield _end(page.ends_with)
                        return
                elif not looked:
                    if (status := await log.final(cursor)) is not None:
                        yield _end(status)
                        return
                    looked = True
                else:
                    woken = await watch.wait(pulse.left())
                    looked = woken and watch.goes_on()  # what is at hand tells that it is not over
                if pulse.look_due():
                    if not await self._still_allowed():
                        return
                    if pulse.silent():
                        yield PING


class Pulse:
    """Tells when a stream must speak again, and when its key must be looked at again."""

    def __init__(self, time: Callable[[], float], *, every: float) -> None:
        self._time = time
        self._every = every
        self._looked = self._spoke = time()

    def spoke(self) -> None:
        self._spoke = self._time()

    def left(self) -> float:
        """Return the seconds until something is due."""
        return max(0.0, min(self._looked, self._spoke) + self._every - self._time())

    def look_due(self) -> bool:
        if self.left() > 0:
            return False
        self._looked = self._time()
        return True

    def silent(self) -> bool:
        if self._time() - self._spoke < self._every:
            return False
        self.spoke()
        return True


def _end(status: str) -> bytes:
    return b"event: end\ndata: " + json.dumps({"status": status}).encode() + b"\n\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
