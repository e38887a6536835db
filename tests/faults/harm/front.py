"""The proxy before the servers breaks the lines that go through it."""

from __future__ import annotations

import time
from random import Random

from ..place import Place

_TIMES = 4


def break_the_front(place: Place, dice: Random) -> str:
    """Let half of all clients' connections end in the middle, several times."""
    assert place.front is not None
    for _ in range(_TIMES):
        place.front.break_lines()
        time.sleep(dice.uniform(0.2, 1.5))
    return f"nginx broke its lines {_TIMES} times"
