"""An agent that has to ask: nothing is done before the answer, and nothing twice after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..jobs.bench import Bench, open_bench
from .scripted import OUTPUT, AgentSkill, ScriptedModels, calls, output

CODE = """
import puras

def refund(order):
    puras.log(f"refunding {order}")
    return {"refunded": order}

def look(order):
    puras.log(f"looking at {order}")
    return {"order": order}
"""
ORDER = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}
TOOLS = [
    {"name": name, "description": name, "entrypoint": f"tools.py:{name}", "input_schema": ORDER}
    for name in ("refund", "look")
]


def desk(*tools: dict[str, Any]) -> AgentSkill:
    return AgentSkill("desk", CODE, more={"output_schema": OUTPUT, "tools": list(tools)})


SKILL = desk({**TOOLS[0], "confirm": True}, TOOLS[1])
ASKS = calls(("look", {"order": 7}), ("refund", {"order": 7}))


async def asked(bench: Bench, job_id: str) -> list[dict[str, Any]]:
    """Wait until a job asks; return its approvals."""
    with bench.platform.hub.watch(job_id) as watch:
        while True:
            found = (await bench.client.get(f"/v1/jobs/{job_id}/approvals")).json()
            if any(approval["status"] == "pending" for approval in found):
                assert isinstance(found, list)
                return found
            assert await watch.wait(60), "it never asked"


async def answer(bench: Bench, approval: dict[str, Any], **decision: str) -> None:
    sent = await bench.client.post(f"/v1/approvals/{approval['id']}", json=decision)
    assert sent.status_code == 200, sent.text


def logged(events: list[dict[str, Any]]) -> list[str]:
    return [event["payload"]["message"] for event in events if event["type"] == "log"]


async def test_a_yes_lets_the_tool_run_once_and_the_agent_go_on(tmp_path: Path) -> None:
    models = ScriptedModels([ASKS, output("done")])
    async with open_bench(tmp_path / "data", models=models.open, concurrency=1) as bench:
        await bench.deploy(SKILL)
        job_id = await bench.begin("desk")
        (approval,) = await asked(bench, job_id)
        assert (approval["tool_name"], approval["tool_input"]) == ("refund", {"order": 7})
        assert logged(await bench.events(job_id)) == ["looking at 7"]
        assert (await bench.get(job_id))["status"] == "queued"
        await answer(bench, approval, decision="approved")
        job = await bench.get(job_id, wait=60)
        events = await bench.events(job_id)
    assert (job["status"], job["result"], job["attempt"]) == ("succeeded", {"answer": "done"}, 2)
    assert logged(events) == ["looking at 7", "refunding 7"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert len(models.requests) == 2
    # The turn that asked was paid once, whatever waited in between.
    assert job["cost_micros"] == 1000


async def test_a_no_is_told_to_the_agent_with_its_reason(tmp_path: Path) -> None:
    models = ScriptedModels([ASKS, output("sorry")])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(SKILL)
        job_id = await bench.begin("desk")
        (approval,) = await asked(bench, job_id)
        await answer(bench, approval, decision="denied", reason="only half of it")
        job = await bench.get(job_id, wait=60)
        events = await bench.events(job_id)
    assert job["status"] == "succeeded"
    assert logged(events) == ["looking at 7"]
    _, refused = models.requests[1].messages[-1]["results"]  # type: ignore[typeddict-item]
    assert (refused["ok"], "denied" in refused["text"]) == (False, True)
    assert "only half of it" in refused["text"]


async def test_no_answer_in_time_is_a_no(tmp_path: Path) -> None:
    models = ScriptedModels([ASKS, output("nobody answered")])
    async with open_bench(tmp_path / "data", models=models.open, approval_seconds=1.0) as bench:
        await bench.deploy(SKILL)
        job = await bench.get(await bench.begin("desk"), wait=60)
        events = await bench.events(job["id"])
    assert job["status"] == "succeeded"
    (decided,) = [event for event in events if event["type"] == "approval_decided"]
    assert decided["payload"]["status"] == "expired"
    assert logged(events) == ["looking at 7"]


async def test_a_server_that_is_started_anew_waits_on(tmp_path: Path) -> None:
    models = ScriptedModels([ASKS, output("done")])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(SKILL)
        job_id = await bench.begin("desk")
        (before,) = await asked(bench, job_id)
        headers = dict(bench.client.headers)
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        bench.client.headers.update({"Authorization": headers["authorization"]})
        (approval,) = await asked(bench, job_id)
        assert approval == before
        await answer(bench, approval, decision="approved")
        job = await bench.get(job_id, wait=60)
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert len(models.requests) == 2


async def test_an_id_that_a_model_takes_again_is_asked_for_again(tmp_path: Path) -> None:
    again = calls(("refund", {"order": 9000}))
    again.tool_calls[0]["id"] = ASKS.tool_calls[1]["id"]
    models = ScriptedModels([ASKS, again, output("done")])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(SKILL)
        job_id = await bench.begin("desk")
        (first,) = await asked(bench, job_id)
        await answer(bench, first, decision="approved")
        first, second = await asked(bench, job_id)
        assert (first["status"], second["tool_input"]) == ("approved", {"order": 9000})
        await answer(bench, second, decision="denied")
        job = await bench.get(job_id, wait=60)
        events = await bench.events(job_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 3)
    assert logged(events) == ["looking at 7", "refunding 7"]


async def test_a_secret_is_hidden_in_what_people_are_asked(tmp_path: Path) -> None:
    skill = desk({**TOOLS[0], "confirm": True, "input_schema": {}})
    told = calls(("refund", {"order": "the-secret-value"}))
    models = ScriptedModels([told, output("done")])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(skill)
        await bench.client.put(
            "/v1/skillpacks/pack/secrets",
            json={"name": "TOKEN", "value": "the-secret-value"},
        )
        job_id = await bench.begin("desk")
        (approval,) = await asked(bench, job_id)
        events = await bench.events(job_id)
    assert approval["tool_input"] == {"order": "••••"}
    assert "the-secret-value" not in json.dumps(events)
