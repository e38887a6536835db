"""Another machine, as far as the network goes: a namespace with a line to this one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

HERE = "10.213.9.1"
_THERE = "10.213.9.2"


@dataclass(frozen=True, slots=True)
class Machine:
    """`HERE` is this machine's address, seen from there. A command begins with `prefix`."""

    name: str

    @property
    def prefix(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def lose_packets(self) -> None:
        """Let nothing through from now on, and tell nobody."""
        _ip("link", "set", f"{self.name}-here", "down")


@contextmanager
def machine() -> Iterator[Machine | None]:
    """Connect one for the length of the block; None where that is not allowed."""
    made = Machine(f"pf{os.getpid() % 100_000}")
    try:
        _ip("netns", "add", made.name)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        here, there = f"{made.name}-here", f"{made.name}-out"
        _ip("link", "add", here, "type", "veth", "peer", "name", there)
        _ip("link", "set", there, "netns", made.name)
        _ip("addr", "add", f"{HERE}/24", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", made.name, "addr", "add", f"{_THERE}/24", "dev", there)
        _ip("-n", made.name, "link", "set", there, "up")
        yield made
    finally:
        _ip("netns", "del", made.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
