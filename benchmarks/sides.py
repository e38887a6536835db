"""The sides of a comparison. Ours have to work; a peer that does not is told of, and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from contestants import Contestant
from processes import GaveUp

T = TypeVar("T")


@dataclass
class Sides:
    """Contestants by their names, until the stack ends, and why those that are `absent` are."""

    stack: ExitStack
    present: dict[str, Contestant] = field(default_factory=dict)
    peers: set[str] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, side: AbstractContextManager[Contestant]) -> None:
        self.present[name] = self.stack.enter_context(side)

    def add_peer(self, name: str, side: AbstractContextManager[Contestant]) -> None:
        """Start a peer, or note why it does not start."""
        self.peers.add(name)
        try:
            self.add(name, side)
        except (GaveUp, LookupError, OSError) as error:
            self.absent[name] = f"did not start: {error}"

    def in_turn(
        self, names: Iterable[str], ask: Callable[[Contestant], T], *, rounds: int
    ) -> dict[str, list[T]]:
        """Ask each of them, round after round. A peer that gives up is asked no more."""
        answers: dict[str, list[T]] = {name: [] for name in names if name in self.present}
        for _ in range(rounds):
            for name in list(answers):
                try:
                    answers[name].append(ask(self.present[name]))
                except GaveUp as error:
                    if name not in self.peers:
                        raise
                    del answers[name], self.present[name]
                    self.absent[name] = f"gave up: {error}"
        return answers
