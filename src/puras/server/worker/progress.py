"""Thins out what a run says of its progress: ten a second at most, and always the last.

Progress is a state and not a history: whoever reads it wants to know how far the run is. So of
those that come too fast only the newest waits for its turn, and a loop that tells of each of its
million rounds costs neither memory nor log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

Payload: TypeAlias = dict[str, Any]
INTERVAL_SECONDS = 0.1


class Progress:
    """Passes payloads on to `tell`, `interval` seconds apart."""

    def __init__(
        self, tell: Callable[[Payload], None], *, interval: float = INTERVAL_SECONDS
    ) -> None:
        self._tell = tell
        self._interval = interval
        self._held: Payload | None = None
        self._turn: asyncio.TimerHandle | None = None

    def say(self, payload: Payload) -> None:
        """Tell now, or hold until the next turn; what was held before is forgotten."""
        self._held = payload
        if self._turn is None:
            self._take_turn()

    def flush(self) -> None:
        """Tell what is held, at once: something else is about to be told, or the run is over."""
        if self._held is not None:
            payload, self._held = self._held, None
            self._tell(payload)

    def close(self) -> None:
        """Tell what is held, and nothing after it."""
        self.flush()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _take_turn(self) -> None:
        self._turn = None
        if self._held is not None:
            self._turn = asyncio.get_running_loop().call_later(self._interval, self._take_turn)
            self.flush()
