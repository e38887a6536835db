"""Whose turn it is: from the lanes of waiting jobs, those that start next. Pure.

A lane is what waits of one key, and apart from it what waits of each skill with a `concurrency`.

    places      a workspace's, a key's, a skill's: a lane that lacks one of them has to wait
    order       the workspace with the fewest running first; within it the deepest child, then the
                key with the fewest running, then the oldest job
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lane:
    """The first job of a lane, how much runs beside it, and how much may; None: no limit."""

    job_id: str
    workspace_id: str
    lane: str
    depth: int
    key_id: str | None
    skill: tuple[str, str]
    workspace_running: int
    workspace_places: int
    key_running: int
    key_places: int | None
    skill_running: int
    skill_places: int | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A lane that may start its first `count` jobs."""

    lane: Lane
    count: int


def next_turns(lanes: Sequence[Lane], *, most: int) -> list[Turn]:
    """Choose lanes in the order in which they come, `most` jobs in all.

    A lane that has nobody beside it gets all that is free. Of several each starts one job: what
    it would start next is known when it is asked again.
    """
    ready = [lane for lane in lanes if _free(lane, Counter()) > 0]
    if len(ready) == 1 and ready[0].skill_places is None:
        return [Turn(ready[0], min(most, _free(ready[0], Counter())))]
    begun: Counter[object] = Counter()
    turns: list[Turn] = []
    while len(turns) < most:
        ready = [lane for lane in ready if _free(lane, begun) > 0]
        if not ready:
            break
        first = min(ready, key=lambda lane: _rank(lane, begun))
        ready.remove(first)
        begun.update((first.workspace_id, _key(first), first.skill))
        turns.append(Turn(first, 1))
    return turns


def _free(lane: Lane, begun: Counter[object]) -> int:
    free = lane.workspace_places - lane.workspace_running - begun[lane.workspace_id]
    if lane.key_places is not None:
        free = min(free, lane.key_places - lane.key_running - begun[_key(lane)])
    if lane.skill_places is not None:
        free = min(free, lane.skill_places - lane.skill_running - begun[lane.skill])
    return free


def _rank(lane: Lane, begun: Counter[object]) -> tuple[int, int, int, str]:
    return (
        lane.workspace_running + begun[lane.workspace_id],
        -lane.depth,
        lane.key_running + begun[_key(lane)],
        lane.job_id,
    )


def _key(lane: Lane) -> tuple[str, str | None]:
    return ("key", lane.key_id)
