"""Memories: short texts by key, which a skill keeps from one run to the next.

They belong to a workspace and a skill; those of the caller's workspace count, whoever published the
skill. Beside its own, a skill reads what the skills of its skillpack share. A skill's own memory
hides a shared one of the same key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.memory.words import search_terms, words_of
from puras.server.refusals import Refused
from puras.wire import (
    MAX_MEMORIES,
    MAX_MEMORY_BYTES,
    MAX_MEMORY_KEY_CHARACTERS,
    MAX_MEMORY_TAGS,
)

QUERIES = load(__file__)
_SHARED = ""
_LONGEST_TAG = 50


class Scope(NamedTuple):
    """Whose memories: a workspace's, of one skill of a skillpack."""

    workspace_id: str
    skillpack_id: str
    skill_name: str

    @property
    def shared(self) -> Scope:
        """What all skills of the skillpack share in that workspace."""
        return self._replace(skill_name=_SHARED)


@dataclass(frozen=True, slots=True)
class Memory:
    """`number` is its own, in order of making; `uses` counts how often it was read by its key."""

    number: int
    key: str
    text: str
    tags: list[str]
    shared: bool
    uses: int
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True)
class NewMemory:
    """What is to be kept; `check` says whether it may."""

    key: str
    text: str
    tags: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise Refused (`invalid_request`, `too_large`) for what is over a limit."""
        if not self.key.strip() or len(self.key) > MAX_MEMORY_KEY_CHARACTERS:
            raise Refused(
                "invalid_request",
                f"a memory's key has 1 to {MAX_MEMORY_KEY_CHARACTERS} characters: shorten it",
            )
        if len(self.text.encode("utf-8", "replace")) > MAX_MEMORY_BYTES:
            raise Refused(
                "too_large",
                f"a memory has at most {MAX_MEMORY_BYTES // 1024} KiB: keep what matters of it, "
                "or write a file",
            )
        if len(self.tags) > MAX_MEMORY_TAGS or any(len(tag) > _LONGEST_TAG for tag in self.tags):
            raise Refused(
                "invalid_request",
                f"a memory has at most {MAX_MEMORY_TAGS} tags of {_LONGEST_TAG} characters: "
                "leave some out",
            )


async def put(tx: Transaction, scope: Scope, new: NewMemory, *, now: Micros) -> None:
    """Keep a text under a key, in the place of what was there.

    Raises:
        Refused: `invalid_request`, `too_large`; where a skill has as many as it may,
            `invalid_request` too.
    """
    new.check()
    key, text = _storable(new.key), _storable(new.text)
    tags = [_storable(tag) for tag in new.tags]
    await tx.run(
        QUERIES.put,
        **scope._asdict(),
        key=key,
        text=text,
        tags=json.dumps(tags, ensure_ascii=False),
        words=" ".join(words_of([key, *tags, text])),
        now=now,
    )
    counted = await tx.one(QUERIES.count, **scope._asdict())
    if counted is not None and counted["memories"] > MAX_MEMORIES:
        raise Refused(
            "invalid_request",
            f"a skill keeps at most {MAX_MEMORIES:,} memories: forget some first",
        )


async def get(tx: Transaction, scope: Scope, key: str) -> Memory | None:
    """Return the memory of a key, the skill's own before a shared one."""
    row = await tx.one(QUERIES.get, **scope._asdict(), key=_storable(key))
    return None if row is None else _memory(row)


async def use(tx: Transaction, memory: Memory) -> None:
    """Count that a memory was read: the digest has what is used most."""
    await tx.run(QUERIES.use, number=memory.number)


async def search(
    tx: Transaction, scope: Scope, query: str, *, limit: int, dialect: str
) -> list[Memory]:
    """Return memories that have a word of the query, or one that begins with it, best first."""
    terms = search_terms(query, dialect=dialect)
    if terms is None:
        return []
    rows = await tx.all(QUERIES.search, **scope._asdict(), terms=terms, limit=limit)
    return [_memory(row) for row in rows]


async def newest(tx: Transaction, scope: Scope, *, limit: int) -> list[Memory]:
    rows = await tx.all(QUERIES.newest, **scope._asdict(), limit=limit)
    return [_memory(row) for row in rows]


async def most_used(tx: Transaction, scope: Scope, *, limit: int) -> list[Memory]:
    rows = await tx.all(QUERIES.most_used, **scope._asdict(), limit=limit)
    return [_memory(row) for row in rows]


async def forget(tx: Transaction, scope: Scope, key: str) -> bool:
    """Forget a key; False where nothing was kept under it."""
    return await tx.run(QUERIES.forget, **scope._asdict(), key=_storable(key)) > 0


async def delete_all(tx: Transaction, skillpack_id: str) -> None:
    """Forget everything, in every workspace, of a skillpack that is being deleted."""
    await tx.run(QUERIES.delete_all, skillpack_id=skillpack_id)


def _storable(text: str) -> str:
    """Replace what no database keeps: NUL, and halves of surrogate pairs."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\ufffd")


def _memory(row: Row) -> Memory:
    return Memory(
        number=row["number"],
        key=row["key"],
        text=row["text"],
        tags=json.loads(row["tags"]),
        shared=row["skill_name"] == _SHARED,
        uses=row["uses"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
