from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from psycopg import AsyncConnection, OperationalError

from puras.server.db.database import Row, Transaction, Unavailable
from puras.server.db.migrate import SchemaTooNew
from puras.server.db.migrate_postgres import migrate_postgres, schema_version
from puras.server.db.placeholders import to_pyformat
from puras.server.db.postgres import PostgresDatabase
from puras.server.db.queries import Query

from ...postgres import PostgresServer, running_postgres
from .test_database import ADD, count, insert

BALANCE = Query("balance", "SELECT balance_micros FROM workspaces WHERE id = :id")
BACKEND = Query("backend", "SELECT pg_backend_pid() AS pid")
CALLED = Query("called", "SELECT pg_current_xact_id()::text AS id")
LIMIT = Query("limit", "SHOW idle_in_transaction_session_timeout")
PAUSE = Query("pause", "SELECT pg_sleep(0.05)")


@pytest.fixture
async def database(emptied_postgres: Callable[[], str]) -> AsyncIterator[PostgresDatabase]:
    db = await PostgresDatabase.open(emptied_postgres())
    yield db
    await db.close()


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        ("a = :a AND b = :b OR a = :a", "a = %(a)s AND b = %(b)s OR a = %(a)s"),
        (":x::text", "%(x)s::text"),
        ("':a' || \":b\" || :c", "':a' || \":b\" || %(c)s"),
        ("'it''s :a' = :a", "'it''s :a' = %(a)s"),
        ("-- :a\n:b /* :c */", "-- :a\n%(b)s /* :c */"),
        ("a LIKE '%x' AND 5 % :n", "a LIKE '%%x' AND 5 %% %(n)s"),
    ],
)
def test_parameters_are_told_from_what_only_looks_like_them(sql: str, translated: str) -> None:
    assert to_pyformat(sql) == translated


async def test_a_hundred_changes_of_one_row_at_once_all_count(database: PostgresDatabase) -> None:
    await database.write(lambda tx: insert(tx, "a"))
    await asyncio.gather(*(database.write(lambda tx: tx.run(ADD, id="a")) for _ in range(100)))
    row = await database.read(lambda tx: tx.one(BALANCE, id="a"))
    assert row is not None
    assert row["balance_micros"] == 100


async def test_units_that_lock_each_other_out_are_run_again(database: PostgresDatabase) -> None:
    runs: list[str] = []
    both_have_one = asyncio.Barrier(2)

    async def both(tx: Transaction, first: str, second: str) -> None:
        runs.append(first)
        await tx.run(ADD, id=first)
        if len(runs) <= 2:
            await both_have_one.wait()
        await tx.run(ADD, id=second)

    for name in "ab":
        await database.write(lambda tx, name=name: insert(tx, name))
    await asyncio.gather(
        database.write(lambda tx: both(tx, "a", "b")),
        database.write(lambda tx: both(tx, "b", "a")),
    )
    assert len(runs) > 2
    for name in "ab":
        row = await database.read(lambda tx, name=name: tx.one(BALANCE, id=name))
        assert row is not None
        assert row["balance_micros"] == 2


async def test_a_unit_whose_connection_is_lost_is_run_again(
    database: PostgresDatabase, postgres: PostgresServer
) -> None:
    killed: list[int] = []

    async def work(tx: Transaction) -> None:
        row = await tx.one(BACKEND)
        assert row is not None
        if not killed:
            killed.append(row["pid"])
            await asyncio.to_thread(postgres.run, f"SELECT pg_terminate_backend({row['pid']})")
        await insert(tx, "a")

    await database.write(work)
    assert killed
    assert await database.read(count) == 1


async def test_units_find_a_connection_again_when_all_of_them_were_lost(
    database: PostgresDatabase, postgres: PostgresServer
) -> None:
    await asyncio.gather(*(database.write(lambda tx: tx.one(PAUSE)) for _ in range(8)))
    ours = "application_name = 'puras' AND datname = current_database()"
    postgres.run(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}", database.url
    )
    await asyncio.gather(
        database.write(lambda tx: insert(tx, "a")), database.write(lambda tx: insert(tx, "b"))
    )
    assert await database.read(count) == 2


async def test_a_write_that_was_begun_is_committed_though_its_caller_is_cancelled(
    database: PostgresDatabase, postgres: PostgresServer
) -> None:
    begun = asyncio.Event()

    async def work(tx: Transaction) -> None:
        begun.set()
        await insert(tx, "a")

    caller = asyncio.create_task(database.write(work))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await database.close()
    assert postgres.run("SELECT count(*) FROM workspaces", database.url) == [(1,)]


@pytest.mark.parametrize("turns", range(12))
async def test_a_read_that_waits_for_a_connection_ends_when_it_is_cancelled(
    database: PostgresDatabase, turns: int
) -> None:
    over = asyncio.Event()

    async def hold(tx: Transaction) -> None:
        await over.wait()

    async def for_ever() -> None:
        while True:
            await database.glance(lambda tx: tx.one(BACKEND))
            await asyncio.sleep(0.01)

    holding = [asyncio.create_task(database.glance(hold)) for _ in range(4)]
    waiting = asyncio.create_task(for_ever())
    for _ in range(1000):
        if database.pressure()["waiting"]:
            break
        await asyncio.sleep(0.01)
    over.set()
    for _ in range(turns):  # the moment in which a connection is handed over is one of these
        await asyncio.sleep(0)
    waiting.cancel()
    done, _ = await asyncio.wait([waiting], timeout=5)
    assert done, "it was not told"
    await asyncio.gather(*holding)


async def test_a_reader_sees_one_moment_only(database: PostgresDatabase) -> None:
    async def look(tx: Transaction) -> tuple[int, int]:
        before = await count(tx)
        await database.write(lambda tx: insert(tx, "a"))
        return before, await count(tx)

    assert await database.read(look) == (0, 0)
    assert await database.read(count) == 1


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be used"):
        await schema_version(f"postgresql://postgres@/x?host={tmp_path}")
    with pytest.raises(Unavailable, match="can't be used"):
        await migrate_postgres(f"postgresql://postgres@/x?host={tmp_path}")


@pytest.mark.parametrize("way", ["read", "glance"])
async def test_what_a_connection_has_prepared_survives_a_migration(
    database: PostgresDatabase, postgres: PostgresServer, way: str
) -> None:
    look = getattr(database, way)
    every = Query("every", "SELECT * FROM workspaces")
    for _ in range(40):  # each of the connections prepares it at its sixth time
        await asyncio.gather(*(look(lambda tx: tx.all(every)) for _ in range(8)))
    await asyncio.to_thread(
        postgres.run, "ALTER TABLE workspaces ADD COLUMN new TEXT", database.url
    )
    try:
        for _ in range(8):
            await look(lambda tx: tx.all(every))
    finally:
        await asyncio.to_thread(
            postgres.run, "ALTER TABLE workspaces DROP COLUMN new", database.url
        )


async def test_a_newer_schema_is_refused_with_what_to_do(postgres: PostgresServer) -> None:
    url = postgres.fresh()
    await migrate_postgres(url)
    postgres.run("UPDATE schema_version SET version = 9999", url)
    with pytest.raises(SchemaTooNew, match="start the newer version again"):
        await migrate_postgres(url)
    assert await schema_version(url) == 9999


async def test_a_named_lock_is_free_again_when_its_process_is_killed(
    database: PostgresDatabase,
) -> None:
    code = (
        "import asyncio, sys\n"
        "from puras.server.db.postgres import PostgresDatabase\n"
        "async def main():\n"
        "    db = await PostgresDatabase.open(sys.argv[1])\n"
        "    async with db.exclusively('this'):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, database.url), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), database.exclusively("this"):
            raise AssertionError("it is held")
    os.kill(holder.pid, signal.SIGKILL)
    await holder.wait()
    async with asyncio.timeout(5), database.exclusively("this"):
        assert await database.read(count) == 0


async def test_postgresql_itself_undoes_what_a_frozen_process_has_begun(
    database: PostgresDatabase,
) -> None:
    for limit in (await database.read(lambda tx: tx.one(LIMIT)), await database.write(show_limit)):
        assert limit == {"idle_in_transaction_session_timeout": "15s"}


async def show_limit(tx: Transaction) -> Row | None:
    return await tx.one(LIMIT)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_commit_whose_answer_is_lost_is_neither_done_twice_nor_taken_for_undone(
    emptied_postgres: Callable[[], str], postgres: PostgresServer, kept: bool
) -> None:
    database = await PostgresDatabase.open(emptied_postgres())
    commit, times = AsyncConnection.commit, []

    async def lose_the_answer(connection: AsyncConnection[object]) -> None:
        times.append(1)
        if kept or len(times) > 1:
            await commit(connection)
        if len(times) == 1:
            await connection.close()
            raise OperationalError("server closed the connection unexpectedly")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncConnection, "commit", lose_the_answer)
        await database.write(lambda tx: insert(tx, "a"))
    assert await database.read(count) == 1
    await database.close()


async def test_a_commit_that_a_crash_undid_is_not_taken_for_the_next_one_with_its_number() -> None:
    """After a crash PostgreSQL gives out again what transactions were called that left no trace."""
    with running_postgres(durable=True) as server:
        if server.restart is None:
            pytest.skip("needs a PostgreSQL of its own, which it may crash")
        for leave_no_trace in (
            "ALTER SYSTEM SET wal_writer_delay = '10s'",
            "SELECT pg_reload_conf()",
        ):
            server.run(leave_no_trace)
        url = server.fresh()
        await migrate_postgres(url)
        async with AsyncExitStack() as stack:
            one, other = [await PostgresDatabase.open(url) for _ in range(2)]
            stack.push_async_callback(one.close)
            stack.push_async_callback(other.close)
            called, crashed, commit = [], [], AsyncConnection.commit

            async def call(tx: Transaction, name: str) -> None:
                await insert(tx, name)
                row = await tx.one(CALLED)
                assert row is not None
                called.append(row["id"])

            async def crash(connection: AsyncConnection[object]) -> None:
                if crashed or not called:
                    await commit(connection)
                    return
                crashed.append(connection)
                await asyncio.to_thread(server.restart)
                await other.write(lambda tx: call(tx, "b"))
                raise OperationalError("server closed the connection unexpectedly")

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(AsyncConnection, "commit", crash)
                await one.write(lambda tx: call(tx, "a"))
            assert called[0] == called[1], "its number was not given out again"
            assert await other.read(count) == 2
