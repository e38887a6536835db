"""Every async test runs on asyncio, as the server does; PostgreSQL is started once, when needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .postgres import PostgresServer, running_postgres


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server
