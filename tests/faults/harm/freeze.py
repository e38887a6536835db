"""SIGSTOP for longer than a lease: whoever wakes up finds that the world went on without them."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from puras.server.clock import SECOND
from puras.server.jobs.states import LEASE

from ..place import Place

_LONG_SECONDS = 60.0
_SHORT_SECONDS = LEASE / SECOND + 3


def freeze_a_process(place: Place, dice: Random) -> str:
    """Stop a member, or a process below one, and let it go on after its lease has run out."""
    seconds = _LONG_SECONDS if place.long else _SHORT_SECONDS
    member = dice.choice(place.members)
    below = sorted(place.below())
    pid, name = member.pid, member.name
    if below and dice.random() < 0.25:
        pid, name = dice.choice(below), "a process of a run"
    if pid is None or not _send(pid, signal.SIGSTOP):
        return f"{name} was down already"
    try:
        time.sleep(seconds)
    finally:
        _send(pid, signal.SIGCONT)
    return f"{name} frozen for {seconds:g} s"


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
