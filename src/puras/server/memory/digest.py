"""What an agent is told of its memory before it begins: the newest and the most used, in short."""

from __future__ import annotations

from itertools import chain, zip_longest

from puras.server.db.database import Transaction
from puras.server.memory import store
from puras.server.memory.store import Memory, Scope

MAX_BYTES = 4 * 1024
_CANDIDATES = 40
_LONGEST_TEXT = 240


async def digest(tx: Transaction, scope: Scope) -> str:
    """Return a list of memories in Markdown, at most 4 KiB; nothing is kept: an empty text."""
    newest = await store.newest(tx, scope, limit=_CANDIDATES)
    used = await store.most_used(tx, scope, limit=_CANDIDATES)
    lines: list[str] = []
    left = MAX_BYTES
    for memory in _in_turn(newest, used):
        line = _line(memory)
        left -= len(line.encode()) + 1
        if left < 0:
            break
        lines.append(line)
    return "\n".join(lines)


def _in_turn(newest: list[Memory], used: list[Memory]) -> list[Memory]:
    """Take one of each list after the other, every memory once; a hidden shared one not at all."""
    chosen: dict[str, Memory] = {}
    for memory in filter(None, chain.from_iterable(zip_longest(newest, used))):
        known = chosen.get(memory.key)
        if known is None or (known.shared and not memory.shared):
            chosen[memory.key] = memory
    return list(chosen.values())


def _line(memory: Memory) -> str:
    text = " ".join(memory.text.split())
    short = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    tags = f" [{', '.join(memory.tags)}]" if memory.tags else ""
    return f"- `{memory.key}`{tags}: {short}"
