"""Wall clocks that can be moved while a process runs, each process's own: libfaketime reads how far
from a file. The clock that only counts forward is left alone, as it is where an operator sets the
time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@dataclass(frozen=True, slots=True)
class WallClock:
    """The clock of one process; `environment` is what makes the process obey it."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(Path(__file__).parent / "under_faketime"),
        }

    def move(self, seconds: int) -> None:
        """Set the clock so far from the true time."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self.file)


def wall_clock(file: Path) -> WallClock | None:
    """Make a clock that shows the true time; None where libfaketime is not installed."""
    if not _LIBRARIES:
        return None
    clock = WallClock(file)
    clock.move(0)
    return clock
