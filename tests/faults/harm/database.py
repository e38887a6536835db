"""PostgreSQL stops at once, as after a crash, and is started again."""

from __future__ import annotations

import time
from random import Random

from ..place import Place


def restart_the_database(place: Place, dice: Random) -> str:
    """Restart it a few times, seconds apart."""
    assert place.postgres is not None
    assert place.postgres.restart is not None
    times = dice.randint(1, 3)
    for _ in range(times):
        with place.one_at_a_time:
            place.postgres.restart()
        time.sleep(dice.uniform(1, 4))
    return f"PostgreSQL restarted {times} times"
