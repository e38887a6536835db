"""Agents end to end on the offline draft: prompts, and Agent Skills in their public format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from puras.server.agent.models.port import ModelAnswer, ModelRequest
from puras.server.jobs.inline import INLINE

from ..jobs.bench import ECHO, Bench, Skill, open_bench
from .scripted import ScriptedModels, calls, output

PUBLIC_FORMAT = {
    "SKILL.md": """
    ---
    name: tidy-tables
    description: Tidies tables of numbers. Use it when somebody has a messy CSV file.
    license: MIT
    compatibility: Needs Python 3.11.
    metadata:
      author: Ada
      version: "1.0"
    allowed-tools: Bash(python3 *) Read
    ---
    # Tidy tables

    Read references/rules.md, then run scripts/tidy.py.
    """,
    "scripts/tidy.py": "print('tidy')\n",
    "references/rules.md": "Numbers to the right.\n",
    "assets/example.csv": "a,b\n1,2\n",
}


class AgentSkill:
    """An Agent Skill: a folder without `skill.yaml`."""

    name = "tidy-tables"

    def files(self) -> dict[str, str]:
        import textwrap

        return {
            f"{self.name}/{name}": textwrap.dedent(text).lstrip("\n")
            for name, text in PUBLIC_FORMAT.items()
        }


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "data") as opened:
        yield opened


async def ask(bench: Bench, prompt: str, inputs: Any = None, **query: Any) -> dict[str, Any]:
    answer = await bench.client.post(
        "/v1/jobs", json={"prompt": prompt, "inputs": inputs or {}}, params={"wait": 1, **query}
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def opening(bench: Bench, job_id: str) -> str:
    """Return the system prompt of a run."""
    rows = await bench.rows(
        "SELECT value FROM recorded_calls WHERE job_id = :id AND verb = 'opening'", id=job_id
    )
    return str(rows[0]["value"])


async def test_a_prompt_runs_to_an_answer(bench: Bench) -> None:
    job = await ask(bench, "Say hello to this person", {"name": "Ada"})
    assert (job["status"], job["skill_name"]) == ("succeeded", INLINE), job
    assert isinstance(job["result"]["answer"], str)
    assert "Say hello to this person" in await opening(bench, job["id"])


async def test_a_prompt_beside_a_skillpack_runs_to_an_answer(bench: Bench) -> None:
    await bench.deploy(ECHO)
    job = await ask(bench, "Use what is here", skillpack="pack")
    assert (job["status"], job["skillpack"]) == ("succeeded", "pack"), job


async def test_an_agent_skill_in_the_public_format_deploys_and_runs(bench: Bench) -> None:
    made = await bench.deploy(AgentSkill())  # type: ignore[arg-type]
    (skill,) = made["manifest"]["skills"]
    assert (skill["name"], skill["type"], skill["entrypoint"]) == (
        "tidy-tables",
        "agentic",
        "SKILL.md",
    )
    assert skill["description"].startswith("Tidies tables of numbers.")
    assert list(skill["input_schema"]["properties"]) == ["prompt"]
    assert list(skill["output_schema"]["properties"]) == ["answer"]
    assert skill["extra"] == {
        "license": "MIT",
        "compatibility": "Needs Python 3.11.",
        "metadata": {"author": "Ada", "version": "1.0"},
        "allowed-tools": "Bash(python3 *) Read",
    }
    job = await bench.run("tidy-tables", {"prompt": "Tidy this"})
    assert job["status"] == "succeeded", job
    told = await opening(bench, job["id"])
    assert "# Tidy tables" in told
    assert "license" not in told
    for name in ("scripts/tidy.py", "references/rules.md", "assets/example.csv"):
        assert name in told
    assert "`Bash(python3 *)` (here: `bash`), `Read` (here: `file_read`)" in told
    assert "Needs Python 3.11." in told


async def test_a_function_runs_a_prompt_and_a_prompt_file_of_its_own(bench: Bench) -> None:
    code = """
    import puras
    def run():
        first = puras.subagent.run(prompt="Add these", inputs={"n": [1, 2]})
        second = puras.subagent.run("references/tone.md", {"text": "hi"})
        return {"first": first["answer"], "second": second["answer"]}
    """

    class Both(Skill):
        def files(self) -> dict[str, str]:
            return {**super().files(), "both/references/tone.md": "Be kind to the reader."}

    await bench.deploy(Both("both", code))
    job = await bench.run("both")
    assert job["status"] == "succeeded", job
    assert set(job["result"]) == {"first", "second"}
    prompt, reference = await bench.children(job["id"])
    assert (prompt["skill_name"], reference["skill_name"]) == (INLINE, "both/references/tone.md")
    assert prompt["deployment_id"] == reference["deployment_id"] == job["deployment_id"]
    assert "Add these" in await opening(bench, prompt["id"])
    assert "Be kind to the reader." in await opening(bench, reference["id"])
    told = [e for e in await bench.events(job["id"]) if "ctx" in e["payload"]]
    assert {e["payload"]["ctx"]["label"] for e in told} == {INLINE, "references/tone.md"}
    assert "model_response" in {e["type"] for e in told}
    replayed = await bench.client.post(f"/v1/jobs/{reference['id']}/replay")
    assert replayed.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "references/nothing.md",
        "references/../main.py",
        "references/../../other/references/x.md",
        "references/",
        "references/empty.md",
    ],
)
async def test_what_is_no_prompt_file_of_the_skill_is_not_run(bench: Bench, path: str) -> None:
    code = f"""
    import puras
    def run():
        try:
            puras.subagent.run({path!r})
        except puras.PurasAPIError as error:
            return {{"code": error.code}}
    """

    class Caller(Skill):
        def files(self) -> dict[str, str]:
            return {
                **super().files(),
                "caller/references/empty.md": " \n",
                "other/references/x.md": "Not yours.",
            }

    await bench.deploy(Caller("caller", code))
    assert (await bench.run("caller"))["result"] == {"code": "skill_not_found"}


LOOK: tuple[tuple[str, dict[str, Any]], ...] = (
    ("bash", {"command": "python3 scripts/tidy.py"}),
    ("file_read", {"path": "references/rules.md"}),
)


def told(request: ModelRequest) -> ModelAnswer:
    """Give as the output what the last turn's tools answered."""
    last = request.messages[-1]
    assert last["role"] == "tools"
    return output("\n".join(result["text"] for result in last["results"]))


async def test_an_agent_skill_s_scripts_and_references_are_at_hand(tmp_path: Path) -> None:
    models = ScriptedModels([calls(*LOOK), told])
    async with open_bench(tmp_path / "data", models=models.open) as opened:
        await opened.deploy(AgentSkill())  # type: ignore[arg-type]
        job = await opened.run("tidy-tables", {"prompt": "Tidy this"})
    assert job["status"] == "succeeded", job
    assert "tidy\n" in job["result"]["answer"]
    assert "Numbers to the right." in job["result"]["answer"]


async def test_a_prompt_file_finds_the_files_of_its_skill(tmp_path: Path) -> None:
    models = ScriptedModels([calls(*LOOK), told])
    run = "import puras\ndef run():\n    return puras.subagent.run('references/rules.md')\n"

    class Ordering(Skill):
        def files(self) -> dict[str, str]:
            folder = self.name
            beside = {f"{folder}/{name}": text for name, text in PUBLIC_FORMAT.items()}
            return {**beside, **super().files()}

    async with open_bench(tmp_path / "data", models=models.open) as opened:
        await opened.deploy(Ordering("order", run))
        job = await opened.run("order")
    assert job["status"] == "succeeded", job
    assert "tidy\n" in job["result"]["answer"]
    assert "Numbers to the right." in job["result"]["answer"]


async def test_a_prompt_works_in_a_folder_beside_the_skillpack(tmp_path: Path) -> None:
    look = ("bash", {"command": "echo hi > new.txt && cat new.txt && ls"})
    models = ScriptedModels([calls(look), told])
    async with open_bench(tmp_path / "data", models=models.open) as opened:
        await opened.deploy(ECHO)
        alone = await ask(opened, "Look around")
        beside = await ask(opened, "Look around", skillpack="pack")
    assert "hi\n" in alone["result"]["answer"], alone
    assert "echo" in beside["result"]["answer"], beside
