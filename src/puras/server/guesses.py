"""Wrong keys, counted by address: who tries many different ones in a minute has to wait.

The same wrong key over and over is no guessing, and counts once: a program whose key was revoked
gets its 401 as long as it asks. A key that was right lately is let through from any address, so
that a guesser shuts out nobody who shares a line with him. All of it is in this process's memory,
and bounded; a guess that was not counted is still only a guess at 190 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from puras.server.clock import SECOND, Micros
from puras.server.refusals import Refused

MAX_WRONG_KEYS = 20
"""Different wrong keys from one address in a minute."""
MAX_ADDRESSES = 10_000
MAX_RIGHT_KEYS = 50_000
_MINUTE = 60 * SECOND


@dataclass(slots=True)
class Guesses:
    """What was tried in this minute, and which keys were right; keys are kept as Python's hashes,
    which are salted for each process and lead back to nothing."""

    _minute: int = 0
    _wrong: dict[str, set[int]] = field(default_factory=dict)
    _right: set[int] = field(default_factory=set)

    def was_right(self, key: str) -> bool:
        return hash(key) in self._right

    def check(self, sender: str, key: str, *, now: Micros) -> None:
        """Raise Refused (`too_many_attempts`) for one more key of a sender who tried too many."""
        tried = self._tried(sender, now)
        if len(tried) < MAX_WRONG_KEYS or hash(key) in tried:
            return
        raise Refused(
            "too_many_attempts",
            f"{MAX_WRONG_KEYS} different keys that are not valid came from your address within a "
            "minute: wait, and look at what you send",
            retry_after=(_MINUTE - now % _MINUTE + SECOND - 1) // SECOND,
        )

    def note_wrong(self, sender: str, key: str, *, now: Micros) -> None:
        tried = self._tried(sender, now)
        self._right.discard(hash(key))
        if not tried and len(self._wrong) >= MAX_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[sender] = tried
        if len(tried) < MAX_WRONG_KEYS:
            tried.add(hash(key))

    def note_right(self, key: str) -> None:
        if len(self._right) >= MAX_RIGHT_KEYS:
            self._right.clear()
        self._right.add(hash(key))

    def _tried(self, sender: str, now: Micros) -> set[int]:
        if now // _MINUTE != self._minute:
            self._minute = now // _MINUTE
            self._wrong.clear()
        return self._wrong.get(sender) or set()
