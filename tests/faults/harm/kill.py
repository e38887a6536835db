"""`kill -9` of any process: a server, a worker, a warm parent, a run."""

from __future__ import annotations

import os
import signal
from random import Random

from ..place import Place


def kill_a_process(place: Place, dice: Random) -> str:
    """Kill a member of the platform, which its keeper starts again."""
    member = dice.choice(place.members)
    pid = member.pid
    if pid is None:
        return f"{member.name} was down already"
    os.kill(pid, signal.SIGKILL)
    return f"{member.name} killed"


def kill_what_runs(place: Place, dice: Random) -> str:
    """Kill one of the processes below the members: the skill's code, or its warm parent."""
    below = sorted(place.below())
    if not below:
        return "nothing ran"
    pid = dice.choice(below)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return "it was gone"
    place.struck["run"] += 1
    return "a process of a run killed"
