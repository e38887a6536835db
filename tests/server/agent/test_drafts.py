"""Nobody mistakes a draft for the work of a model."""

from __future__ import annotations

from pathlib import Path

from ..jobs.bench import ECHO, open_bench
from .scripted import ScriptedModels, agent, output

TOOL = "def look():\n    print('looking')\n    return {'seen': 1}\n"
LOOK = [{"name": "look", "description": "Looks.", "entrypoint": "tools.py:look"}]


async def test_a_draft_says_so_in_the_job_and_in_each_event_of_its_work(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "data") as bench:
        await bench.deploy(agent("ask", TOOL, tools=LOOK, text_model="local/draft"))
        job = await bench.run("ask")
        events = await bench.events(job["id"])
    assert (job["status"], job["draft"]) == ("succeeded", True)
    work = [event for event in events if event["type"] != "status"]
    assert {"step", "model_response", "tool_call", "tool_result", "log"} <= {
        e["type"] for e in work
    }
    assert all(event["payload"]["draft"] is True for event in work)


async def test_what_a_model_or_a_function_did_is_no_draft(tmp_path: Path) -> None:
    models = ScriptedModels([output()])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("ask"), ECHO)
        for skill in ("ask", "echo"):
            job = await bench.run(skill)
            assert job["draft"] is False
            assert all("draft" not in e["payload"] for e in await bench.events(job["id"]))
