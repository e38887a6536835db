"""Every async test runs on asyncio, as the server does; PostgreSQL is started once, when needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog.dev import plain_traceback

from .postgres import PostgresServer, running_postgres

settings.register_profile("any pace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("any pace"))  # for hours, by hand
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "any pace")
)  # a busy machine is no fault


def pytest_configure() -> None:
    """Let signals reach what tests start: a shell's background has Ctrl-C ignored, `nohup` the end
    of the terminal, in children too; what this process itself catches is no matter to them.

    An error that is logged is painted in colours unless something else is said, with all that its
    variables hold: that takes seconds, and no server of ours does it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(exception_formatter=plain_traceback)]
    )


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a PostgreSQL server, however it comes by one."""
    for item in items:
        dialect = getattr(item, "callspec", None) and item.callspec.params.get("dialect")
        if dialect == "postgres" or "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
