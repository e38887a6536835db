"""A network that swallows packets: nobody is told that the other side is gone."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from ..postgres import PostgresServer
from .parts.machine import HERE, machine
from .parts.relay import Relay

_PATIENCE_SECONDS = 100.0
_ASK = """\
import asyncio, sys, time, psycopg
from puras.server.db.postgres_connections import connect

async def main():
    connection = await connect(sys.argv[1])
    print("connected", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    try:
        await connection.execute("SELECT 1")
    except psycopg.OperationalError:
        print(time.monotonic() - began)

asyncio.run(main())
"""


@pytest.mark.faults
def test_a_process_that_is_parted_from_the_database_learns_it_within_a_lease(
    postgres: PostgresServer,
) -> None:
    with machine() as other:
        if other is None:
            pytest.skip("no network of its own may be made here")
        assert postgres.socket is not None
        line = Relay(postgres.socket, host=HERE)
        url = f"postgresql://postgres@{HERE}:{line.port}{urlsplit(postgres.url).path}"
        with subprocess.Popen(
            [*other.prefix, sys.executable, "-c", _ASK, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as asking:
            try:
                assert asking.stdout is not None
                assert asking.stdout.readline() == "connected\n"
                other.lose_packets()
                said, _ = asking.communicate("\n", timeout=_PATIENCE_SECONDS)
            finally:
                asking.kill()
        line.close()
    assert 5 < float(said) < _PATIENCE_SECONDS
