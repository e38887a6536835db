"""Memories: by key, by words, by skill and workspace; on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from puras.server.memory import store
from puras.server.memory.digest import MAX_BYTES, digest
from puras.server.memory.store import Memory, NewMemory, Scope
from puras.server.refusals import Refused
from puras.wire import MAX_MEMORIES, MAX_MEMORY_BYTES

from ..conftest import Seed

if TYPE_CHECKING:
    from puras.server.db.database import Database

MINE = Scope("acme", "acme-pack", "triage")


@pytest.fixture(autouse=True)
async def workspaces(seed: Seed) -> None:
    await seed.workspace()
    await seed.workspace("other")


async def keep(db: Database, key: str, text: str, *tags: str, scope: Scope = MINE, at: int = 1):
    await db.write(lambda tx: store.put(tx, scope, NewMemory(key, text, tags), now=at))


async def get(db: Database, key: str, scope: Scope = MINE) -> Memory | None:
    return await db.read(lambda tx: store.get(tx, scope, key))


async def find(db: Database, query: str, *, scope: Scope = MINE, limit: int = 10) -> list[str]:
    found = await db.read(
        lambda tx: store.search(tx, scope, query, limit=limit, dialect=db.dialect)
    )
    return [memory.key for memory in found]


async def test_a_text_is_kept_under_its_key_and_replaced(db: Database) -> None:
    await keep(db, "tone", "friendly", "style", at=1)
    await keep(db, "tone", "formal", at=2)
    memory = await get(db, "tone")
    assert memory is not None
    assert (memory.text, memory.tags, memory.shared) == ("formal", [], False)
    assert (memory.created_at, memory.updated_at) == (1, 2)
    assert await get(db, "other") is None


async def test_a_search_finds_words_and_their_beginnings_in_keys_tags_and_texts(
    db: Database,
) -> None:
    await keep(db, "refunds", "Refund within 30 days; Zürich office decides.", "policy")
    await keep(db, "colours", "The brand is orange.")
    assert await find(db, "refund") == ["refunds"]
    assert await find(db, "ZURICH") == ["refunds"]
    assert await find(db, "polic") == ["refunds"]
    assert await find(db, "colours") == ["colours"]
    assert await find(db, "30-days?") == ["refunds"]
    assert await find(db, "purple") == []
    assert await find(db, "?!") == []


async def test_a_search_puts_first_what_has_more_of_the_words(db: Database) -> None:
    await keep(db, "one", "shipping to Norway", at=3)
    await keep(db, "two", "shipping to Norway by boat", at=2)
    await keep(db, "three", "boats", at=1)
    assert (await find(db, "shipping boat norway"))[0] == "two"
    assert len(await find(db, "shipping boat", limit=2)) == 2


async def test_a_search_treats_operators_of_the_databases_as_words(db: Database) -> None:
    await keep(db, "a", "alpha")
    for query in ('"', "alpha OR", "NOT alpha", "a:* & b", "NEAR(alpha)", "words:alpha", "'", "%"):
        await find(db, query)
    assert await find(db, "beta OR alpha") == ["a"]


async def test_a_changed_or_forgotten_memory_is_not_found_by_its_old_words(db: Database) -> None:
    await keep(db, "tone", "friendly")
    await keep(db, "tone", "formal")
    assert await find(db, "friendly") == []
    assert await find(db, "formal") == ["tone"]
    assert await db.write(lambda tx: store.forget(tx, MINE, "tone"))
    assert not await db.write(lambda tx: store.forget(tx, MINE, "tone"))
    assert await find(db, "formal") == []


async def test_memories_of_other_skills_and_workspaces_are_apart(db: Database) -> None:
    await keep(db, "tone", "friendly")
    for scope in (MINE._replace(skill_name="write"), MINE._replace(workspace_id="other")):
        assert await get(db, "tone", scope) is None
        assert await find(db, "friendly", scope=scope) == []
        assert await db.read(lambda tx, s=scope: digest(tx, s)) == ""


async def test_a_skill_reads_what_is_shared_and_its_own_comes_first(db: Database) -> None:
    await keep(db, "tone", "shared tone", scope=MINE.shared)
    await keep(db, "brand", "shared brand", scope=MINE.shared)
    await keep(db, "tone", "own tone")
    found = [await get(db, key) for key in ("tone", "brand")]
    assert [(m.text, m.shared) for m in found if m] == [
        ("own tone", False),
        ("shared brand", True),
    ]
    assert set(await find(db, "brand tone")) == {"tone", "brand"}
    told = await db.read(lambda tx: digest(tx, MINE))
    assert "own tone" in told
    assert "shared brand" in told
    assert "shared tone" not in told


async def test_what_no_database_keeps_is_replaced(db: Database) -> None:
    await keep(db, "nul\0", "half \ud800 and \0 😀")
    memory = await get(db, "nul\0")
    assert memory is not None
    assert memory.text == "half � and � 😀"


@pytest.mark.parametrize(
    ("memory", "code"),
    [
        (NewMemory("", "text"), "invalid_request"),
        (NewMemory("k" * 201, "text"), "invalid_request"),
        (NewMemory("key", "ä" * (MAX_MEMORY_BYTES // 2 + 1)), "too_large"),
        (NewMemory("key", "text", ("tag",) * 21), "invalid_request"),
        (NewMemory("key", "text", ("t" * 51,)), "invalid_request"),
    ],
)
async def test_what_is_over_a_limit_is_refused(db: Database, memory: NewMemory, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await db.write(lambda tx: store.put(tx, MINE, memory, now=1))
    assert refused.value.code == code


async def test_a_skill_keeps_ten_thousand_memories_and_no_more(db: Database) -> None:
    async def fill(tx) -> None:
        await tx.run_many(
            store.QUERIES.put,
            [
                {
                    **MINE._asdict(),
                    "key": str(number),
                    "text": "",
                    "tags": "[]",
                    "words": "",
                    "now": 1,
                }
                for number in range(MAX_MEMORIES)
            ],
        )

    await db.write(fill)
    with pytest.raises(Refused, match="forget some first"):
        await keep(db, "one more", "text")
    assert await get(db, "one more") is None
    await keep(db, "7", "replaced")
    await keep(db, "one more", "for another skill", scope=MINE._replace(skill_name="write"))


async def test_the_digest_has_the_newest_and_the_most_used_within_its_size(db: Database) -> None:
    await keep(db, "treasured", "read often", at=1)
    treasured = await get(db, "treasured")
    assert treasured is not None
    await db.write(lambda tx: store.use(tx, treasured))
    for number in range(100):
        await keep(db, f"m{number}", f"{number} " + "long text\n" * 50, "tag", at=2 + number)
    told = await db.read(lambda tx: digest(tx, MINE))
    assert len(told.encode()) <= MAX_BYTES
    assert told.splitlines()[0].startswith("- `m99` [tag]: 99 long text long text")
    assert "- `treasured`: read often" in told.splitlines()[:2]
    assert "`m0`" not in told
