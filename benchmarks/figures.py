"""What a benchmark says: rows of a table, each beside the figure that it is compared with."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One row. `beside` tells what was measured in turn with it, and `ratio` compares the two.

    `also_beside` and `also_ratio` are a second such pair.
    """

    what: str
    measured: str
    beside: str = ""
    ratio: str = ""
    also_beside: str = ""
    also_ratio: str = ""

    def compared(self) -> str:
        """Tell of the comparisons there are."""
        pairs = ((self.ratio, self.beside), (self.also_ratio, self.also_beside))
        return ", ".join(f"{ratio} {beside}" for ratio, beside in pairs if beside)


def show(figures: Sequence[Figure]) -> None:
    """Print the rows for a reader, or with `--json` for `run.py`."""
    if "--json" in sys.argv:
        print(json.dumps([asdict(figure) for figure in figures]))
        return
    for figure in figures:
        print(f"{figure.what:44} {figure.measured}   {figure.compared()}".rstrip())


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the 50th, 95th and 99th, none of which is beyond what was measured."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def milliseconds(values: Sequence[float]) -> str:
    """Tell the percentiles of values in milliseconds."""
    return " / ".join(f"{value:.1f}" for value in percentiles(values)) + " ms"


def times(mine: float, other: float) -> str:
    """Tell how many times the other figure mine is."""
    return f"{mine / other:.2f} ×"
