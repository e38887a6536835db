"""Somebody sets the time of one machine: a day on, or a day back, while it works."""

from __future__ import annotations

import time
from random import Random

from ..place import Place

_DAY_SECONDS = 86_400


def move_a_clock(place: Place, dice: Random) -> str:
    """Move the wall clock of one member and, some seconds later, set it right."""
    member = dice.choice([member for member in place.members if member.clock])
    assert member.clock is not None
    days = dice.choice([-1, 1])
    seconds = dice.uniform(6, 12) * (3 if place.long else 1)
    member.clock.move(days * _DAY_SECONDS)
    try:
        time.sleep(seconds)
    finally:
        member.clock.move(0)
    return f"{member.name} lived {days:+d} day for {seconds:.1f} s"
