"""The server's own log: every line says whose request or run it is of, and none has a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from puras.server.logs import configure_logs

from .jobs.bench import Skill, open_bench
from .support import ON_SQLITE

CANARY = "canary-of-a-secret-0123456789"
SAYS = Skill(
    "says",
    """
    import puras
    def run(n=0):
        print(puras.secret("TOKEN"))
        raise ValueError(puras.secret("TOKEN"))
    """,
)


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@ON_SQLITE
async def test_lines_of_requests_and_runs_say_whose_they_are_and_no_secret(
    tmp_path: Path, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(format="json", level="debug")
    async with open_bench(tmp_path / "data") as bench:
        await bench.deploy(SAYS)
        await bench.client.put(
            "/v1/skillpacks/pack/secrets", json={"name": "TOKEN", "value": CANARY}
        )
        job = await bench.run("says", {"n": 1})
        await bench.client.get(f"/v1/jobs/{job['id']}")
        key = bench.client.headers["authorization"].removeprefix("Bearer ")
    err = capsys.readouterr().err
    lines: list[dict[str, Any]] = [json.loads(line) for line in err.splitlines() if line[0] == "{"]
    submit = next(line for line in lines if line.get("method") == "POST" and "job_id" in line)
    prefix, _, secret = key.removeprefix("puras_live_").partition(".")
    assert submit["event"] == "request"
    assert submit["route"] == "/v1/jobs"
    assert submit["status"] == 201
    assert (submit["workspace"], submit["key"], submit["job_id"]) == ("local", prefix, job["id"])
    assert submit["request_id"]
    ended = next(line for line in lines if line["event"] == "run_concluded")
    assert (ended["job_id"], ended["attempt"], ended["skill"]) == (job["id"], 1, "pack/says")
    assert ended["workspace_id"] == job["workspace_id"]
    assert "request_id" not in ended
    assert secret not in err
    assert CANARY not in err


def test_the_format_and_the_level_are_the_operators(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(format="console", level="warning")
    structlog.get_logger("x").info("too_quiet")
    structlog.get_logger("x").warning("loud", n=1)
    err = capsys.readouterr().err
    assert "too_quiet" not in err
    assert "loud" in err
    assert not err.startswith("{")
