"""Whose memories a run works with, and when they go."""

from __future__ import annotations

from pathlib import Path

from ..agent.scripted import ScriptedModels, agent, calls, output
from ..jobs.bench import Bench, open_bench

PUT = calls(("memory_put", {"key": "tone", "text": "They like it brief."}), step=1)


async def kept(bench: Bench) -> list[tuple[str, str, str]]:
    rows = await bench.rows(
        "SELECT workspaces.slug, skill_name, key FROM memories"
        " JOIN workspaces ON workspaces.id = memories.workspace_id ORDER BY number"
    )
    return [(row["slug"], row["skill_name"], row["key"]) for row in rows]


async def test_a_public_skill_remembers_in_its_callers_workspace(tmp_path: Path) -> None:
    models = ScriptedModels([PUT, output()])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("ask"), public=True)
        headers = (await bench.stranger()).headers
        for _ in range(2):
            job = await bench.run("local/pack/ask", headers=headers)
            assert job["status"] == "succeeded"
        assert await kept(bench) == [("other", "ask", "tone")]
        assert "They like it brief." not in models.requests[0].system
        assert "- `tone`: They like it brief." in models.requests[2].system
        await bench.run("ask")
        assert "They like it brief." not in models.requests[4].system
        assert await kept(bench) == [("other", "ask", "tone"), ("local", "ask", "tone")]


async def test_memories_go_with_their_skillpack(tmp_path: Path) -> None:
    models = ScriptedModels([PUT, output()])
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("ask"))
        await bench.run("ask")
        assert await kept(bench) == [("local", "ask", "tone")]
        gone = await bench.client.delete("/v1/skillpacks/pack")
        assert gone.status_code == 204, gone.text
        assert await kept(bench) == []
