"""The claim: queued jobs become running ones of a worker, as many as there are places for.

`turns` says whose turn it is. Where workers claim side by side, a workspace's row is locked before
its places are counted, and a skillpack's before those of its skills; what was read before the lock
is read again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.events.store import insert, status_event
from puras.server.jobs.states import LEASE
from puras.server.jobs.store import QUERIES, Changes
from puras.server.jobs.turns import Lane, Turn, next_turns


async def claim(
    tx: Transaction, *, worker_id: str, concurrency: int, most: int, now: Micros
) -> tuple[list[Row], Changes]:
    """Start up to `most` queued jobs; `concurrency` is that of workspaces which have none of their
    own."""
    claimed: list[Row] = []
    locked = await tx.all(QUERIES.lock_claimable, concurrency=concurrency, most=most)
    workspaces = [row["id"] for row in locked]
    skillpacks: set[str] = set()
    while len(claimed) < most:
        rows = await tx.all(QUERIES.lanes, concurrency=concurrency, workspaces=workspaces)
        turns = next_turns([_lane(row) for row in rows], most=most - len(claimed))
        if unlocked := _limited(turns) - skillpacks:
            await tx.all(QUERIES.lock_skillpacks, skillpacks=sorted(unlocked))
            skillpacks |= unlocked
            continue
        started = [await _start(tx, turn, worker_id, now) for turn in turns]
        claimed += itertools.chain.from_iterable(started)
        if not any(started) or _nothing_left(rows, turns, started):
            break
    changes = Changes()
    for row in claimed:
        event = status_event(now, "running", attempt=row["attempt"])
        changes.events += await insert(
            tx, job_id=row["id"], last_id=row["last_event_id"], events=[event]
        )
    return claimed, changes


def _nothing_left(
    lanes: Sequence[Row], turns: Sequence[Turn], started: Sequence[Sequence[Row]]
) -> bool:
    """Tell whether each lane had its turn, and none had as many jobs as it might have started."""
    return len(turns) == len(lanes) and all(
        len(rows) < turn.count for turn, rows in zip(turns, started, strict=True)
    )


async def _start(tx: Transaction, turn: Turn, worker_id: str, now: Micros) -> list[Row]:
    rows = await tx.all(
        QUERIES.claim,
        workspace_id=turn.lane.workspace_id,
        lane=turn.lane.lane,
        count=turn.count,
        worker_id=worker_id,
        lease=LEASE,
        now=now,
    )
    return sorted(rows, key=lambda row: (-row["depth"], row["id"]))


def _limited(turns: list[Turn]) -> set[str]:
    return {turn.lane.skill[0] for turn in turns if turn.lane.skill_places is not None}


def _lane(row: Row) -> Lane:
    return Lane(
        job_id=row["job_id"],
        workspace_id=row["workspace_id"],
        lane=row["lane"],
        depth=row["depth"],
        key_id=row["key_id"],
        skill=(row["skillpack_id"], row["skill_name"]),
        workspace_running=row["workspace_running"],
        workspace_places=row["workspace_places"],
        key_running=row["key_running"],
        key_places=row["key_concurrency"],
        skill_running=row["skill_running"],
        skill_places=row["skill_concurrency"],
    )
