"""A plain client of the hosted product, which knows nothing of ours, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .conftest import Served, serving
from .peer_player import SESSION, Player

RECORDED: dict[str, Any] = json.loads(SESSION.read_text("utf-8"))


@pytest.fixture(params=["sqlite", "postgres"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment that leads a server to an empty database."""
    if dialect == "sqlite":
        return {}
    return {"PURAS_DATABASE_URL": request.getfixturevalue("postgres").fresh()}


@pytest.fixture
def fresh(tmp_path: Path, database: dict[str, str]) -> Iterator[Served]:
    with serving(tmp_path, env=database) as served:
        yield served


def poor_key(served: Served, database: dict[str, str]) -> str:
    """Make a workspace that has no credits, and return a key of it."""
    broke = {**database, "PURAS_STARTING_CREDITS_USD": "0"}
    where = ("--data", str(served.data))
    assert served.puras("admin", "workspace", "create", "poor", *where, env=broke).returncode == 0
    made = served.puras("admin", "key", "create", "poor", *where, env=broke)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def test_a_recorded_session_is_answered_as_the_contract_promises(
    fresh: Served, database: dict[str, str]
) -> None:
    kept = {"key": fresh.key, "poor_key": poor_key(fresh, database)}
    with closing(Player(fresh.base, kept, RECORDED["shapes"])) as player:
        for exchange in RECORDED["exchanges"]:
            player.play(exchange)
