"""A full disk below the data folder: nothing more can be written, and then it can again."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from random import Random

from ..place import Place

_BLOCK_BYTES = 1 << 20


def fill_the_disk(place: Place, dice: Random) -> str:
    """Fill it up to its last byte, keep it so for some seconds, and make room."""
    seconds = dice.uniform(2, 6) * (3 if place.long else 1)
    ballast = place.data / "ballast"
    with place.one_at_a_time:
        deadline = time.monotonic() + seconds
        try:
            with ballast.open("ab", buffering=0) as file:
                while time.monotonic() < deadline:
                    if not _fill(file.write):
                        time.sleep(0.05)
        finally:
            ballast.unlink()
    place.struck["disk"] += 1
    return f"no byte free for {seconds:.1f} s"


def _fill(write: Callable[[bytes], int | None]) -> bool:
    size = _BLOCK_BYTES
    while size:
        try:
            write(bytes(size))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            size //= 2
        else:
            return True
    return False
