"""When what goes wrong: moments drawn from a seed, and the storm that lets them happen.

Drawing looks at no clock and at no process, so a seed always gives the same moments: that is what
makes a failing seed worth printing.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .place import Place

Fault: TypeAlias = Callable[[Place, random.Random], str]
"""Does harm until it returns, when all is mended again; the answer says what was done."""

_LONGEST_STRIKE_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class Moment:
    """After `at` seconds the fault `name` strikes, with dice of its own."""

    at: float
    name: str
    seed: int


def moments(seed: int, names: Sequence[str], *, seconds: float, pause: float) -> list[Moment]:
    """Draw when each fault strikes: one each `pause` seconds or so, every fault in turn, shuffled
    anew for each round."""
    dice = random.Random(seed)
    drawn: list[Moment] = []
    at, bag = dice.uniform(0.3, 1.0) * pause, list[str]()
    while at < seconds:
        if not bag:
            bag = dice.sample(names, len(names))
        drawn.append(Moment(at, bag.pop(), dice.getrandbits(32)))
        at += dice.uniform(0.5, 1.5) * pause
    return drawn


@dataclass
class Storm:
    """Lets the moments come, each in a thread of its own, for some of them last."""

    place: Place
    faults: Mapping[str, Fault]
    tale: list[str] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)
    _strikes: list[threading.Thread] = field(default_factory=list)

    def blow(self, drawn: Sequence[Moment]) -> None:
        """Return when the last strike is over, and everything runs again."""
        began = time.monotonic()
        for moment in drawn:
            time.sleep(max(0.0, began + moment.at - time.monotonic()))
            strike = threading.Thread(target=self._strike, args=(moment,), daemon=True)
            strike.start()
            self._strikes.append(strike)
        for strike in self._strikes:
            strike.join(_LONGEST_STRIKE_SECONDS)
            assert not strike.is_alive(), f"a fault does not end: {self.tale}"
        self.tale.sort()
        if self.broken:
            raise self.broken[0]
        self.place.wait_until_well()

    def _strike(self, moment: Moment) -> None:
        try:
            done = self.faults[moment.name](self.place, random.Random(moment.seed))
        except BaseException as error:
            self.broken.append(error)
        else:
            self.tale.append(f"{moment.at:6.1f} s  {moment.name}: {done}")
