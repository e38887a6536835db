"""What is wrong with a bundle: faults that are listed, and the one error that ends everything.

A fault is a `puras.wire.Fault`: the file, the path inside of it (`$.examples[0].inputs`) and one
sentence that says what to do. Faults are collected, so that an author hears of all at once;
`BadBundle` is raised where going on would be unsafe.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from puras.errors import PurasError
from puras.wire import Fault

Steps = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_-]*")


class BadBundle(PurasError):
    """An archive or folder that can't be taken. `entry` names the file, None the whole."""

    def __init__(self, reason: str, *, entry: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.entry = entry

    def __str__(self) -> str:
        return self.reason if self.entry is None else f"{self.entry!r}: {self.reason}"


@dataclass(slots=True)
class Findings:
    """The faults of one file, as they are found."""

    file: str
    faults: list[Fault] = field(default_factory=list)

    def add(self, message: str, *steps: str | int) -> None:
        """Note a fault at a place in the file."""
        self.add_at(json_path(steps), message)

    def add_at(self, path: str, message: str) -> None:
        """Note a fault at a place that is no path of keys, such as a line."""
        self.faults.append({"file": self.file, "path": path, "message": message})

    def add_all(self, faults: Iterable[Fault], *steps: str | int) -> None:
        """Note faults whose paths begin at a place in the file."""
        prefix = json_path(steps)
        for fault in faults:
            self.add_at(prefix + fault["path"].removeprefix("$"), fault["message"])


def json_path(steps: Sequence[str | int]) -> str:
    """Write a path as `$.a[0]["odd key"]`."""
    return "$" + "".join(_step(step) for step in steps)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN.fullmatch(step):
        return f".{step}"
    quoted = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{quoted}"]'


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return `; did you mean `x`?` for the nearest of the names, or nothing."""
    nearest = get_close_matches(str(name), list(names), n=1)
    return f"; did you mean `{nearest[0]}`?" if nearest else ""


def listed(names: Iterable[str]) -> str:
    """Write names as `a`, `b`, `c`."""
    return ", ".join(f"`{name}`" for name in names)
