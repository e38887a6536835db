"""The line between one process and the database: slow, still, or cut."""

from __future__ import annotations

import time
from random import Random

from puras.server.clock import SECOND
from puras.server.jobs.states import LEASE

from ..parts.relay import Relay
from ..place import Place

_DELAY_SECONDS = 0.3
_CUTS = 5


def slow_a_line(place: Place, dice: Random) -> str:
    """Let everything between a member and the database come 300 ms later."""
    member, line = _one(place, dice)
    seconds = dice.uniform(4, 8) * (4 if place.long else 1)
    line.delay_seconds = _DELAY_SECONDS
    try:
        time.sleep(seconds)
    finally:
        line.delay_seconds = 0.0
    return f"{member} was 300 ms away for {seconds:.1f} s"


def part_a_line(place: Place, dice: Random) -> str:
    """Let nothing through, and tell nobody, for longer than a lease; then it flows, or breaks."""
    member, line = _one(place, dice)
    seconds = LEASE / SECOND + dice.uniform(2, 4) + (30 if place.long else 0)
    breaks = dice.random() < 0.5
    line.still()
    try:
        time.sleep(seconds)
        if breaks:
            line.cut()
    finally:
        line.flow()
    return f"{member} was parted for {seconds:.1f} s{', and cut' if breaks else ''}"


def cut_a_line(place: Place, dice: Random) -> str:
    """Break every connection of a member, several times."""
    member, line = _one(place, dice)
    for _ in range(_CUTS):
        line.cut()
        time.sleep(dice.uniform(0.05, 1.0))
    return f"{member} lost its connections {_CUTS} times"


def _one(place: Place, dice: Random) -> tuple[str, Relay]:
    lines = [(member.name, member.line) for member in place.members if member.line]
    return dice.choice(lines)
