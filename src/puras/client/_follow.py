"""Following a job's events: where we are, what counts, when it is over. Pure.

One `Follow` lives as long as one iteration, over all its connections. Its rule: every event once,
in order, however often the line breaks. An event counts if its id is above the last one seen, so a
server may repeat itself; a connection that ends before the job does is a *drop*, and the next one
asks for what follows the last id. After five drops without a new event the stream is given up:
`auto` goes on with polling, `sse` raises. Over means: the terminal `status` event was yielded, or
the stream said `end`, or the job is known to be over and its last page was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from puras.client import _retry
from puras.client._answers import Answer, api_error
from puras.client._core import Policy
from puras.client._models import Job, JobEvent, ends_job, is_over
from puras.client._sse import ServerSentEvent
from puras.errors import PurasConnectionError

Transport: TypeAlias = Literal["auto", "sse", "poll"]


class Dropped(Exception):
    """A stream broke, or could not be had. Never leaves the client."""

    def __init__(self, reason: str, *, retry_after: float = 0.0, for_good: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.for_good = for_good


class Follow:
    """`until` is a reading of the shell's monotonic clock at which following stops, if at all."""

    def __init__(
        self,
        transport: Transport,
        after_id: int,
        policy: Policy,
        poll_interval: float,
        until: float | None = None,
    ) -> None:
        if transport not in ("auto", "sse", "poll"):
            raise ValueError(f"transport {transport!r} is not one of auto, sse, poll")
        self.transport = transport
        self.after_id = after_id
        self.policy = policy
        self.poll_interval = poll_interval
        self.until = until
        self.over = False
        self.streaming = transport != "poll"
        self.drops = 0
        self.empty_pages = 0
        self.last_page_next = False
        self.page_was_full = False

    def left(self, now: float) -> float | None:
        """Seconds until following stops; None when nothing stops it."""
        return None if self.until is None else max(0.0, self.until - now)

    def goes_on(self, now: float) -> bool:
        return not self.over and self.left(now) != 0.0

    def silence(self, now: float) -> float:
        """How long a stream may be silent, in seconds, before it counts as dropped."""
        return max(0.001, self._within(self.policy.stream_silence, now))

    def read(self, message: ServerSentEvent) -> JobEvent | None:
        """Take a message of the stream; return its event if it is new."""
        if message.event == "end":
            self.over = True
            return None
        try:
            value = json.loads(message.data)
        except ValueError:
            raise Dropped("the stream sent something that is not JSON") from None
        return self._take(value) if isinstance(value, dict) else None

    def _take(self, entry: Mapping[str, Any]) -> JobEvent | None:
        event_id = entry.get("id")
        if self.over or not isinstance(event_id, int) or event_id <= self.after_id:
            return None
        event = JobEvent(entry)
        self.after_id = event_id
        self.drops = 0
        self.over = ends_job(event)
        return event

    def refuse(self, answer: Answer) -> Exception:
        """What to raise when a stream's opening is answered otherwise than with a stream."""
        if answer.ok:
            kind = answer.headers.get("content-type", "no content type")
            return Dropped(f"the answer is no event stream but {kind}")
        refusal = api_error(answer)
        if _retry.may_pass_later(answer):
            return Dropped(str(refusal), retry_after=_retry.retry_after(answer.headers))
        if self.transport == "auto" and answer.status not in (401, 403, 404):
            return Dropped(str(refusal), for_good=True)
        return refusal

    def drop(self, dropped: Dropped, *, roll: float, now: float) -> float:
        """Count a drop; return the seconds to sleep before the next connection.

        Raises:
            PurasConnectionError: it was one too many, and polling is not wanted.
        """
        self.drops += 1
        if not dropped.for_good and self.drops < self.policy.drops_before_polling:
            asked = min(dropped.retry_after, self.policy.longest_retry_after)
            return self._within(
                max(asked, _retry.backoff(self.drops - 1, self.policy, roll=roll)), now
            )
        if self.transport == "sse":
            raise PurasConnectionError(
                f"the event stream broke {self.drops} times without a new event "
                f"after {self.after_id}: {dropped}"
            ) from dropped
        self.streaming = False
        return 0.0

    def page(self, entries: Iterable[Mapping[str, Any]], *, size: int) -> Iterator[JobEvent]:
        """Take a page of events; yield the new ones."""
        before = self.after_id
        for entry in entries:
            event = self._take(entry)
            if event is not None:
                yield event
        moved = self.after_id > before
        self.page_was_full = moved and size >= self.policy.events_per_page
        self.empty_pages = 0 if moved else self.empty_pages + 1
        self.over = self.over or (self.last_page_next and not self.page_was_full)

    @property
    def asks_job(self) -> bool:
        """Whether so many pages were empty that the job itself is asked if it is over."""
        return not self.over and self.empty_pages >= self.policy.empty_pages_before_get

    def saw(self, job: Job) -> None:
        self.empty_pages = 0
        self.last_page_next = is_over(job)

    def rest(self, now: float) -> float:
        """How long to sleep before the next page."""
        if self.over or self.page_was_full or self.last_page_next:
            return 0.0
        return self._within(self.poll_interval, now)

    def _within(self, seconds: float, now: float) -> float:
        left = self.left(now)
        return seconds if left is None else min(seconds, left)
