"""Events as readers get them: encoded once, and joined once for all who are at the same place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from puras.server.events.store import StoredEvent
from puras.wire import TERMINAL_STATUSES

PAGE_BYTES = 64 * 1024
"""What is on its way to one reader: a page, or one event that is longer."""


class Encoded(NamedTuple):
    """One event as its two lines of JSON. `ends_with` is the terminal status that it tells."""

    id: int
    full: bytes
    public: bytes
    ends_with: str | None = None

    def view(self, *, public: bool) -> bytes:
        return self.public if public else self.full


class Page(NamedTuple):
    """The events above `after`, up to `last`, as Server-Sent Events; empty where there are none.

    `ends_with` is the terminal status that the last of them tells."""

    after: int
    last: int
    text: bytes = b""
    ends_with: str | None = None


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


def join(events: Sequence[Encoded], *, after: int, public: bool) -> Page:
    """Join events above `after` into one page."""
    if not events:
        return Page(after, after)
    text = b"".join(
        [b"id: %d\ndata: %b\n\n" % (event.id, event.view(public=public)) for event in events]
    )
    return Page(after, events[-1].id, text, events[-1].ends_with)


def first_page(events: Sequence[Encoded]) -> Sequence[Encoded]:
    """Return the first event, and as many more as fit into a page."""
    left = PAGE_BYTES
    for count, event in enumerate(events):
        left -= len(event.full)
        if left < 0:
            return events[: max(count, 1)]
    return events
