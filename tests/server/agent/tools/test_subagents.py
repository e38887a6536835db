"""Agents that run others: every way to name one, what comes back, depth, crashes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from puras.server.agent.messages import ToolResult
from puras.server.agent.models.port import ModelAnswer, ModelRequest
from puras.server.billing import store as billing

from ...jobs.bench import ECHO, Bench, Skill, open_bench
from ..scripted import OUTPUT, AgentSkill, Said, ScriptedModels, agent, calls, output

KEY = f"puras_live_{'k' * 8}.{'s' * 32}"


@dataclass
class Cast(ScriptedModels):
    """Plays several agents: a script for each, chosen by how its instructions begin."""

    script: Sequence[Said] = ()
    parts: Mapping[str, Sequence[Said]] = field(default_factory=dict)

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        self.script = next(s for start, s in self.parts.items() if request.system.startswith(start))
        turn = sum(message["role"] == "model" for message in request.messages)
        said = self.script[min(turn, len(self.script) - 1)]
        self.requests.append(request)
        self.asked.set()
        if (held := self.holding.get(len(self.requests))) is not None:
            await held.wait()
        return said if isinstance(said, ModelAnswer) else said(request)


def results(request: ModelRequest) -> list[ToolResult]:
    last = request.messages[-1]
    assert last["role"] == "tools"
    return last["results"]


def tells(request: ModelRequest) -> ModelAnswer:
    """Give as the output what the last turn's tools answered."""
    return output(json.dumps([[r["ok"], r["text"]] for r in results(request)]))


def asks(*asked: tuple[str, Mapping[str, Any]]) -> Cast:
    return Cast(parts={"Do what boss says.": [calls(*asked), tells]})


async def answers(bench: Bench, *, skill: str = "boss") -> list[Any]:
    job = await bench.run(skill)
    assert job["status"] == "succeeded", job
    return list(json.loads(job["result"]["answer"]))


@dataclass(frozen=True)
class Files:
    """Files beside the skills of a bundle."""

    beside: Mapping[str, str]
    name: str = ""

    def files(self) -> dict[str, str]:
        return dict(self.beside)


FORMS: Sequence[tuple[dict[str, Any], str, Any]] = [
    ({"target": "echo", "inputs": {"n": 1}}, "echo", {"n": 1}),
    ({"target": "sub", "inputs": {"n": 2}}, "boss/sub", {"n": 2}),
    ({"target": "open/echo", "inputs": {"n": 3}}, "echo", {"n": 3}),
    ({"target": "local/open/echo", "inputs": {"n": 4}}, "echo", {"n": 4}),
    ({"target": "helper"}, "helper", {"answer": "helped"}),
    ({"target": "references/tone.md"}, "boss/references/tone.md", {"answer": "kind"}),
    ({"prompt": "Add them up", "target": ""}, "@inline", {"answer": "3"}),
]


@pytest.mark.parametrize(("asked", "skill", "result"), FORMS)
async def test_each_way_to_name_a_subagent(
    tmp_path: Path, asked: dict[str, Any], skill: str, result: Any
) -> None:
    models = asks(("run_subagent", {**asked, "label": "my helper"}))
    models.parts = {
        **models.parts,
        "Do what helper says.": [output("helped")],
        "Be kind": [output("kind")],
        "Add them up": [output("3")],
    }
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(ECHO, slug="open")
        tone = Files({"boss/references/tone.md": "Be kind"})
        await bench.deploy(
            agent("boss"),
            agent("helper"),
            ECHO,
            Skill("boss/sub", ECHO.code),
            tone,  # type: ignore[arg-type]
        )
        assert await answers(bench) == [[True, json.dumps(result)]]
        (parent,) = await bench.rows("SELECT id, key_id FROM jobs WHERE depth = 0")
        (child,) = await bench.children(parent["id"])
        assert (child["skill_name"], child["key_id"]) == (skill, parent["key_id"])
        events = await bench.events(parent["id"])
        starts = [e["payload"] for e in events if e["type"].startswith("subagent_")]
        assert [start["label"] for start in starts] == ["my helper"] * 2
        assert await bench.platform.db.read(billing.audit) == []


async def test_what_a_subagent_costs_is_told_and_counts_for_the_key(tmp_path: Path) -> None:
    models = asks(("run_subagent", {"target": "helper"}))
    models.parts = {**models.parts, "Do what helper says.": [output("helped")]}
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("boss"), agent("helper"))
        job = await bench.run("boss")
        told = [e for e in await bench.events(job["id"]) if e["type"] == "tool_result"]
        assert [e["payload"].get("cost_micros") for e in told] == [500]
        balance = (await bench.client.get("/v1/billing/balance")).json()
        assert balance["spent_today_micros"] == 1500


async def test_a_subagent_s_turns_are_in_the_log_of_the_one_that_asked(tmp_path: Path) -> None:
    models = asks(("run_subagent", {"target": "helper"}))
    models.parts = {
        **models.parts,
        "Do what helper says.": [calls(("todo", {})), output("helped")],
    }
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("boss"), agent("helper"))
        job = await bench.run("boss")
        (child,) = await bench.children(job["id"])
        told = [e for e in await bench.events(job["id"]) if "ctx" in e["payload"]]
        assert [e["type"] for e in told] == [
            "step",
            "model_response",
            "tool_call",
            "tool_result",
            "step",
            "model_response",
        ]
        assert {e["payload"]["ctx"]["job_id"] for e in told} == {child["id"]}
        assert (job["steps"], child["steps"]) == (2, 2)
        spans = (await bench.client.get(f"/v1/jobs/{job['id']}/spans")).json()
        by_id = {span["span_id"]: span for span in spans}
        [call] = [s for s in spans if s["name"] == "subagent helper"]
        assert by_id[call["parent_span_id"]]["name"] == "run_subagent"


async def test_subagents_of_one_turn_run_side_by_side(tmp_path: Path) -> None:
    models = asks(*[("run_subagent", {"prompt": f"Help {n}"}) for n in range(3)])
    models.parts = {**models.parts, "Help": [output("helped")]}
    all_are_here = asyncio.Event()
    models.holding = dict.fromkeys((2, 3, 4), all_are_here)
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("boss"))
        job_id = await bench.begin("boss")
        while len(models.requests) < 4:
            models.asked.clear()
            await asyncio.wait_for(models.asked.wait(), 20)
        all_are_here.set()
        job = await bench.get(job_id, wait="20")
        assert json.loads(job["result"]["answer"]) == [[True, '{"answer": "helped"}']] * 3


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"target": "nothing"}, "there is no skill `nothing`"),
        ({"target": "references/no.md"}, "no file `references/no.md`"),
        ({"target": "strict", "inputs": {}}, "$: `n` is missing"),
        ({"target": "echo", "prompt": "hi"}, "either `target` or `prompt`"),
        ({}, "either `target` or `prompt`"),
        ({"target": "boss"}, "circle"),
        ({"target": "broken"}, "`broken` failed (function_error): "),
        ({"target": "echo", "inputs": "n=1"}, "an object of inputs"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_agent(
    tmp_path: Path, asked: dict[str, Any], told: str
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    strict = Skill("strict", ECHO.code, more={"input_schema": schema})
    broken = Skill("broken", "def run():\n    raise ValueError('it broke')\n")
    models = asks(("run_subagent", asked))
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("boss"), ECHO, strict, broken)
        ((ok, text),) = await answers(bench)
        assert not ok
        assert told in text


async def test_a_subagent_is_described_by_its_schemas_and_examples(tmp_path: Path) -> None:
    look = Skill(
        "look",
        "def run(photo=None):\n    return {}\n",
        more={
            "description": "Looks at a photo.",
            "input_schema": {"type": "object", "properties": {"photo": {"type": "image"}}},
            "output_schema": {"type": "object", "properties": {"mood": {"type": "string"}}},
            "examples": [{"inputs": {"photo": "https://example.com/a.png"}}],
        },
    )
    models = asks(
        ("describe_subagent", {}),
        ("describe_subagent", {"target": "look"}),
        ("describe_subagent", {"target": "references/tone.md"}),
        ("describe_subagent", {"target": "nothing"}),
    )
    tone = Files({"boss/references/tone.md": "Be kind"})
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("boss"), look, tone)  # type: ignore[arg-type]
        everything, described, prompt, nothing = await answers(bench)
    assert [one["target"] for one in json.loads(everything[1])] == ["look", "references/tone.md"]
    told = json.loads(described[1])
    assert (told["description"], told["type"]) == ("Looks at a photo.", "function")
    assert told["input_schema"]["properties"]["photo"]["type"] == "string"
    assert told["output_schema"]["required"] == ["mood"]
    assert told["examples"][0]["inputs"] == {"photo": "https://example.com/a.png"}
    assert json.loads(prompt[1])["prompt"] == "Be kind"
    assert nothing[0] is False
    [tool] = [tool for tool in models.requests[0].tools if tool.name == "run_subagent"]
    assert "- `look`: Looks at a photo." in tool.description


async def test_a_skill_may_be_a_tool_with_a_name_of_its_own(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    count = Skill("count", "def run(n):\n    return {'n': n + 1}\n", more={"input_schema": schema})
    declared = [
        {"name": "add_one", "skill": "count", "description": "Adds one."},
        {"name": "add_far", "skill": "open/count"},
        {"name": "gone", "skill": "open/gone"},
    ]
    boss = AgentSkill("boss", "", more={"output_schema": OUTPUT, "tools": declared})
    models = asks(("add_one", {"n": 1}), ("add_far", {"n": 2}), ("add_one", {}), ("gone", {}))
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(count, slug="open")
        await bench.deploy(boss, count)
        one, far, wrong, gone = await answers(bench)
    assert (one, far) == ([True, '{"n": 2}'], [True, '{"n": 3}'])
    assert (wrong[0], gone[0]) == (False, False)
    assert "$" in wrong[1]
    assert "there is no skill `open/gone`" in gone[1]
    tools = {tool.name: tool for tool in models.requests[0].tools}
    assert tools["add_one"].description == "Adds one."
    assert tools["add_far"].description == "It can count."
    assert tools["add_far"].input_schema["required"] == ["n"]


async def test_a_picture_that_a_subagent_made_is_shown_to_the_one_that_asked(
    tmp_path: Path,
) -> None:
    draw = Skill(
        "draw",
        """
        import base64, puras
        PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
               "AABJRU5ErkJggg==")
        def run():
            return {"image": "data:image/png;base64," + PNG}
        """,
        more={
            "output_schema": {"type": "object", "properties": {"image": {"type": "image"}}},
        },
    )
    models = asks(("run_subagent", {"target": "draw"}))
    async with open_bench(tmp_path / "data", models=models.open) as bench:
        await bench.deploy(agent("boss"), draw)
        ((ok, text),) = await answers(bench)
    path = json.loads(text)["image"]
    assert ok
    assert path.startswith("jobs/")
    assert models.requests[1].files[path].startswith(b"\x89PNG")


async def test_agents_five_deep_end_well_one_run_at_a_time(tmp_path: Path) -> None:
    def asks_next(n: int) -> list[Said]:
        return [calls(("run_subagent", {"target": f"a{n + 1}"})), tells]

    models = Cast(parts={f"Do what a{n} says.": asks_next(n) for n in range(7)})
    async with open_bench(tmp_path / "data", models=models.open, concurrency=1) as bench:
        await bench.deploy(*(agent(f"a{n}") for n in range(7)))
        job = await bench.run("a0")
        assert job["status"] == "succeeded", job
        assert "at most 5 deep" in job["result"]["answer"]
        rows = await bench.rows("SELECT depth, status FROM jobs ORDER BY depth")
        assert [row["depth"] for row in rows] == [0, 1, 2, 3, 4, 5]
        assert {row["status"] for row in rows} == {"succeeded"}
        assert await bench.platform.db.read(billing.audit) == []


@pytest.mark.parametrize("turn", [2, 3])
async def test_after_a_crash_a_parent_waits_for_the_child_that_it_had(
    tmp_path: Path, turn: int
) -> None:
    """The server goes away while the child, and then the parent, waits for the model."""

    def cast(holding: dict[int, asyncio.Event]) -> Cast:
        made = asks(("run_subagent", {"target": "helper"}))
        made.parts = {**made.parts, "Do what helper says.": [output("helped")]}
        made.holding = holding
        return made

    first = cast({turn: asyncio.Event()})
    settings = {"bootstrap_key": KEY}
    async with open_bench(tmp_path / "data", models=first.open, **settings) as bench:
        bench.client.headers["Authorization"] = f"Bearer {KEY}"
        await bench.deploy(agent("boss"), agent("helper"))
        job_id = await bench.begin("boss")
        while len(first.requests) < turn:
            first.asked.clear()
            await asyncio.wait_for(first.asked.wait(), 20)
    second = cast({})
    async with open_bench(tmp_path / "data", models=second.open, **settings) as bench:
        bench.client.headers["Authorization"] = f"Bearer {KEY}"
        job = await bench.get(job_id, wait="30")
        assert (job["status"], job["attempt"]) == ("succeeded", 2), job
        (child,) = await bench.children(job_id)
        assert (job["cost_micros"], child["cost_micros"]) == (1000, 500)
        assert len(first.requests) + len(second.requests) == 4
        events = await bench.events(job_id)
        kinds = [e["type"] for e in events if "ctx" in e["payload"]]
        assert kinds == ["step", "model_response"]
        named = [e["type"] for e in events if e["type"].startswith("subagent_")]
        assert named == ["subagent_start", "subagent_end"]
        assert [e["id"] for e in events] == list(range(1, len(events) + 1))
        assert await bench.platform.db.read(billing.audit) == []
