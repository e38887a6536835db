"""An agent asks in one process and is answered in another, on one PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras import Puras

from ..postgres import PostgresServer
from .conftest import serving, working

pytestmark = pytest.mark.slow

DESK = """
description: Answer a complaint.
entrypoint: SKILL.md
output_schema: {type: object, properties: {reply: {type: text}}}
tools:
  - name: refund
    description: Pay money back.
    entrypoint: tools.py:refund
    input_schema: {type: object, properties: {order: {type: integer}}, required: [order]}
    confirm: true
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    desk = tmp_path / "shop" / "desk"
    desk.mkdir(parents=True)
    (desk / "skill.yaml").write_text(DESK)
    (desk / "SKILL.md").write_text("Write a reply.")
    (desk / "tools.py").write_text("def refund(order):\n    return {'refunded': order}\n")
    return desk.parent


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_an_answer_at_a_server_wakes_the_run_in_another_worker(
    tmp_path: Path, shop: Path, postgres: PostgresServer, stack: ExitStack
) -> None:
    home, env = tmp_path / "home", {"PURAS_DATABASE_URL": postgres.fresh()}
    served = stack.enter_context(serving(home, "--no-worker", env=env))
    first = stack.enter_context(working(home, env=env))
    assert served.puras("deploy", str(shop)).returncode == 0
    puras = stack.enter_context(Puras(served.key, "shop", api_base=served.base))
    job_id = puras.submit("desk", {}).id
    events = puras.events(job_id)
    asked = next(event for event in events if event["type"] == "approval_required")
    # Whoever asked may go meanwhile: the answer finds another.
    first.terminate()
    assert first.wait(30) == 0
    stack.enter_context(working(home, env=env))
    sent = httpx2.post(
        f"{served.base}/v1/approvals/{asked['payload']['approval_id']}",
        json={"decision": "approved", "reason": "go on"},
        headers={"Authorization": f"Bearer {served.key}"},
    )
    assert sent.status_code == 200, sent.text
    rest: list[Any] = list(events)
    assert rest[-1]["payload"]["status"] == "succeeded"
    told = [event["type"] for event in rest]
    assert told.count("approval_decided") == 1
    (result,) = [event["payload"] for event in rest if event["type"] == "tool_result"]
    assert (result["name"], result["ok"]) == ("refund", True)
    job = puras.get(job_id)
    assert (job.status, job["attempt"]) == ("succeeded", 2)
