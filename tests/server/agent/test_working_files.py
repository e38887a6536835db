"""Files of an agent's run on a whole server: across attempts, into the result, and gone with it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from puras.server.agent.models.port import ModelRequest
from puras.server.worker.process.processes import family

from .scripted import OUTPUT, AgentSkill, ScriptedModels, agent, calls, output
from .test_resume import ended, opened

WRITE = ("bash", {"command": "mkdir -p out; echo one >> out/notes.txt"})
READ = ("bash", {"command": "cat out/notes.txt"})
GIVE = ("drive_url", {"path": "out/notes.txt"})
TOOL = {
    "name": "count",
    "description": "Count the lines of the notes.",
    "entrypoint": "tools.py:count",
    "output_schema": {"type": "integer"},
}
CODE = """
def count():
    with open("out/notes.txt") as notes:
        return len(notes.readlines())
"""


def last_result(request: ModelRequest) -> dict[str, Any]:
    message = request.messages[-1]
    assert message["role"] == "tools"
    return dict(message["results"][-1])


def say_what_was_read(request: ModelRequest) -> Any:
    return output(last_result(request)["text"], step=4)


async def copies(bench: Any) -> list[str]:
    return [stored.name async for stored in bench.platform.storage.listing("working/")]


@pytest.mark.parametrize("turn", [1, 2])
async def test_the_files_of_a_run_that_was_cut_off_are_there_when_it_goes_on(
    tmp_path: Path, turn: int
) -> None:
    script = [calls(WRITE, step=1), calls(READ, step=2), calls(("count", {}), step=3)]
    models = ScriptedModels([*script, say_what_was_read], holding={turn: asyncio.Event()})
    async with opened(tmp_path / "data", models) as bench:
        await bench.deploy(AgentSkill("ask", CODE, more={"output_schema": OUTPUT, "tools": [TOOL]}))
        job_id = await bench.begin("ask")
        while len(models.requests) <= turn:
            models.asked.clear()
            await asyncio.wait_for(models.asked.wait(), 20)
        assert len(await copies(bench)) == 1
    models = ScriptedModels([*script, say_what_was_read])
    async with opened(tmp_path / "data", models) as bench:
        job, events = await ended(bench, job_id)
        assert (job["status"], job["result"], job["attempt"]) == ("succeeded", {"answer": "1"}, 2)
        results = [event["payload"] for event in events if event["type"] == "tool_result"]
        assert [result["preview"] for result in results] == [
            "[exit code 0]",
            "[exit code 0]\none",
            "1",
        ]
        await bench.until_idle()
        assert await copies(bench) == []


async def test_a_file_made_by_a_command_becomes_a_file_of_the_output(tmp_path: Path) -> None:
    def give(request: ModelRequest) -> Any:
        path = f"jobs/{job_ids[0]}/out/notes.txt"
        assert path in last_result(request)["text"]
        return calls(("set_output", {"answer": path}), step=3)

    schema = {"type": "object", "properties": {"answer": {"type": "file"}}}
    job_ids: list[str] = []
    holding = {0: asyncio.Event()}
    models = ScriptedModels([calls(WRITE, step=1), calls(GIVE, step=2), give], holding=holding)
    async with opened(tmp_path / "data", models) as bench:
        await bench.deploy(agent("ask", output_schema=schema))
        job_ids.append(await bench.begin("ask"))
        holding[0].set()
        job, _ = await ended(bench, job_ids[0])
        assert job["status"] == "succeeded", job
        [kept] = job["outputs"]
        assert kept["drive_path"] == f"jobs/{job_ids[0]}/out/notes.txt"
        assert kept["size_bytes"] == 4


async def test_cancelling_a_job_kills_the_command_that_it_runs(tmp_path: Path) -> None:
    models = ScriptedModels([calls(("bash", {"command": "sleep 8642"}), step=1), output()])
    async with opened(tmp_path / "data", models) as bench:
        await bench.deploy(agent("ask"))
        job_id = await bench.begin("ask")
        async with asyncio.timeout(30):
            while not sleeping():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        answer = await bench.client.post(f"/v1/jobs/{job_id}/cancel")
        assert answer.json()["status"] == "cancelled"
        async with asyncio.timeout(10):
            while sleeping():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def sleeping() -> list[int]:
    """Return the processes of the command that sleeps."""
    found = []
    for pid in family(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if command.startswith(b"sleep\0" + b"8642"):
            found.append(pid)
    return found
