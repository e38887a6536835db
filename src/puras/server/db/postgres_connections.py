"""Connections to PostgreSQL: how they are opened, what they are set to, and the pools of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[dict[str, Any]]
Pool = AsyncConnectionPool[Connection]

_RECONNECT_SECONDS = 2.0
"""For so long the pool tries by itself, ever more rarely. Then it waits for the next one who wants
a connection, so that it is there soon after the database is."""
_IDLE_IN_TRANSACTION: Final = "15s"
"""After this PostgreSQL itself undoes what a frozen process has begun, and frees its locks."""
_OPTIONS: Final[Mapping[str, Any]] = {
    "row_factory": dict_row,
    "application_name": "puras",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # else what was sent into a broken network is waited on for minutes
}


async def connect(url: str, **options: Any) -> Connection:
    """Open a connection with the settings that every connection of ours has."""
    return await AsyncConnection.connect(url, **{**_OPTIONS, **options})


def pool_for_writing(url: str, size: int) -> Pool:
    """Make a pool, not open yet, whose units begin by themselves (READ COMMITTED)."""
    return _pool(url, size, configure=_for_writing)


def pool_for_reading(url: str, size: int) -> Pool:
    """Make a pool, not open yet, that can't write. What begins a transaction sees one moment."""
    return _pool(url, size, configure=_for_reading)


async def _for_writing(connection: Connection) -> None:
    await _configure(connection)
    await connection.set_autocommit(True)


async def _for_reading(connection: Connection) -> None:
    await _configure(connection)
    await connection.execute("SET default_transaction_read_only = on")
    await connection.commit()
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    await connection.set_autocommit(True)


async def _configure(connection: Connection) -> None:
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(int, Int8Dumper)
    await connection.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_IN_TRANSACTION}'")
    await connection.commit()


class _Text(StrDumper):
    """Text as PostgreSQL can keep it: it has no NUL, which becomes U+FFFD like a lone surrogate."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd"))


def _pool(url: str, size: int, *, configure: Any) -> Pool:
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        kwargs=dict(_OPTIONS),
        configure=configure,
        reconnect_timeout=_RECONNECT_SECONDS,
    )
