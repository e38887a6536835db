"""Every fault, and where it can strike."""

from __future__ import annotations

from .harm.bucket import break_the_bucket
from .harm.clock import move_a_clock
from .harm.database import restart_the_database
from .harm.disk import fill_the_disk
from .harm.freeze import freeze_a_process
from .harm.front import break_the_front
from .harm.kill import kill_a_process, kill_what_runs
from .harm.line import cut_a_line, part_a_line, slow_a_line
from .place import Place
from .storm import Fault

FAULTS: dict[str, Fault] = {
    "kill": kill_a_process,
    "kill-run": kill_what_runs,
    "freeze": freeze_a_process,
    "database": restart_the_database,
    "disk": fill_the_disk,
    "clock": move_a_clock,
    "slow": slow_a_line,
    "part": part_a_line,
    "cut": cut_a_line,
    "bucket": break_the_bucket,
    "front": break_the_front,
}


def lacking(place: Place) -> dict[str, str]:
    """Return the faults that can't strike here, each with the reason."""
    sqlite = "SQLite has no server"
    reasons = {
        "database": sqlite if place.postgres is None else "",
        **dict.fromkeys(("slow", "part", "cut"), sqlite if place.postgres is None else ""),
        "bucket": "files lie in a folder" if place.bucket is None else "",
        "disk": "" if place.has_volume else "no disk may be mounted here",
        "clock": "" if any(m.clock for m in place.members) else "libfaketime is not installed",
        "front": "nginx is not installed" if place.front is None else "",
    }
    return {name: why for name, why in reasons.items() if why}
