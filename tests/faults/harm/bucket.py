"""The bucket fails half of the calls: some before they are done, some after."""

from __future__ import annotations

import time
from random import Random

from ..place import Place


def break_the_bucket(place: Place, dice: Random) -> str:
    """Let every other call fail for some seconds."""
    assert place.bucket is not None
    seconds = dice.uniform(5, 10) * (3 if place.long else 1)
    before = place.bucket.failed
    with place.one_at_a_time:
        place.bucket.dice = Random(dice.getrandbits(32))
        place.bucket.rate = 0.5
        try:
            time.sleep(seconds)
        finally:
            place.bucket.rate = 0.0
    return f"the bucket failed {place.bucket.failed - before} calls in {seconds:.1f} s"
