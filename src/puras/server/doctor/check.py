"""What the doctor says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """What was found. `warn`: it works, but not as well as it could; `fail`: something is broken.

    `detail` says what holds, or what does not, what that means and what to do. `mendable`: `--fix`
    puts it right.
    """

    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str
    mendable: bool = False
