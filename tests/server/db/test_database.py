"""What both databases do alike."""

from __future__ import annotations

import asyncio

import pytest

from puras.server.db.database import Database, Transaction, UniqueViolation
from puras.server.db.queries import Query

INSERT = Query(
    "insert",
    "INSERT INTO workspaces (id, slug, name, created_at) VALUES (:id, :slug, :name, 0)",
)
COUNT = Query("count", "SELECT count(*) AS n FROM workspaces")
NAMES = Query("names", "SELECT name FROM workspaces ORDER BY id")
ADD = Query("add", "UPDATE workspaces SET balance_micros = balance_micros + 1 WHERE id = :id")


async def count(tx: Transaction) -> int:
    row = await tx.one(COUNT)
    assert row is not None
    return int(row["n"])


async def insert(tx: Transaction, name: str) -> None:
    await tx.run(INSERT, id=name, slug=name, name=name)


async def test_many_writers_at_once_each_commit_and_a_failed_one_is_undone_alone(
    db: Database,
) -> None:
    async def work(tx: Transaction, number: int) -> int:
        await insert(tx, f"w{number}")
        if number % 10 == 0:
            raise LookupError(number)
        return number

    outcomes = await asyncio.gather(
        *(db.write(lambda tx, n=n: work(tx, n)) for n in range(100)), return_exceptions=True
    )
    assert [o for o in outcomes if isinstance(o, int)] == [n for n in range(100) if n % 10]
    assert sum(isinstance(o, LookupError) for o in outcomes) == 10
    assert await db.read(count) == 90


async def test_a_taken_unique_value_is_told_apart_from_other_errors(db: Database) -> None:
    await db.write(lambda tx: insert(tx, "a"))
    with pytest.raises(UniqueViolation):
        await db.write(lambda tx: tx.run(INSERT, id="b", slug="a", name="b"))
    rows = [{"id": name, "slug": "a", "name": name} for name in "bc"]
    with pytest.raises(UniqueViolation):
        await db.write(lambda tx: tx.run_many(INSERT, rows))
    assert await db.read(count) == 1


async def test_a_reader_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await db.read(lambda tx: insert(tx, "a"))
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await db.glance(lambda tx: insert(tx, "a"))


async def test_work_after_close_is_refused(db: Database) -> None:
    await db.close()
    with pytest.raises(RuntimeError, match="closed"):
        await db.write(count)


async def test_whatever_text_is_kept_comes_back_and_nul_breaks_nothing(db: Database) -> None:
    texts = ["ünï ☃ 😀", "%s :name %(x)s ::", "a'b\"c\\"]
    for text in texts:
        await db.write(lambda tx, text=text: insert(tx, text))
    assert {row["name"] for row in await db.read(lambda tx: tx.all(NAMES))} == set(texts)
    await db.write(lambda tx: insert(tx, "nul\0"))
    assert await db.read(count) == 4


async def test_rows_are_sorted_by_their_bytes(db: Database) -> None:
    for name in ("b", "a-c", "ab", "Z", "é", "_"):
        await db.write(lambda tx, name=name: insert(tx, name))
    rows = await db.read(lambda tx: tx.all(NAMES))
    assert [row["name"] for row in rows] == ["Z", "_", "a-c", "ab", "b", "é"]


async def test_only_one_at_a_time_holds_a_named_lock(db: Database) -> None:
    inside, most = 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with db.exclusively("this"):
            inside += 1
            most = max(most, inside)
            await db.read(count)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(20)))
    assert most == 1


async def test_a_lock_of_another_name_does_not_wait(db: Database) -> None:
    async with db.exclusively("this"), asyncio.timeout(5), db.exclusively("that"):
        assert await db.read(count) == 0
