"""An agent's run, turn by turn: what the model sees, what the log tells, how it may end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from puras.server.agent.loop import MAX_STEPS
from puras.server.agent.models.port import ModelFailed
from puras.server.billing import store as billing

from ..jobs.bench import Bench, open_bench
from .scripted import ScriptedModels, agent, calls, output, says

Opens = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def opens(tmp_path: Path) -> Opens:
    @asynccontextmanager
    async def opened(models: ScriptedModels, **settings: Any) -> AsyncIterator[Bench]:
        async with open_bench(tmp_path / "data", models=models.open, **settings) as bench:
            yield bench
            assert await bench.platform.db.read(billing.audit) == []

    return opened


async def test_an_output_that_fits_is_the_result(opens: Opens) -> None:
    models = ScriptedModels([output("yes")])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask", {})
        assert (job["status"], job["result"], job["type"]) == (
            "succeeded",
            {"answer": "yes"},
            "agentic",
        )
        assert job["usage"] == {"input_tokens": 100, "output_tokens": 10, "cost_micros": 500}
        assert (job["steps"], job["cost_micros"]) == (1, 500)


async def test_the_model_is_told_instructions_inputs_and_the_shape_of_the_output(
    opens: Opens,
) -> None:
    models = ScriptedModels([output()])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        await bench.run("ask", {"topic": "tea"})
    [request] = models.requests
    assert request.system.startswith("Do what ask says.")
    assert '"topic": "tea"' in str(request.messages[0]["text"])
    [tool] = [tool for tool in request.tools if tool.name == "set_output"]
    assert tool.input_schema["required"] == ["answer"]


async def test_every_step_is_an_event_and_the_text_of_the_model_stays_private(
    opens: Opens,
) -> None:
    models = ScriptedModels([calls(("memory_search", {"query": "tea"}), text="thinking"), output()])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask")
        told = [event["type"] for event in await bench.events(job["id"])]
        expected = ["step", "model_response", "tool_call", "tool_result", "step", "model_response"]
        assert [type for type in told if type != "status"] == expected
        response = (await bench.events(job["id"]))[3]["payload"]
        assert (response["text"], response["step"], response["cost_micros"]) == ("thinking", 1, 500)
        key = await bench.mint(kind="publishable")
        public = await bench.run("ask", headers=key.headers)
        shown = await bench.events(public["id"], headers=key.headers)
        assert all("text" not in event["payload"] for event in shown)


async def test_an_output_that_does_not_fit_goes_back_with_every_fault(opens: Opens) -> None:
    wrong = calls(("set_output", {"answer": 7}))
    models = ScriptedModels([wrong, output("mended")])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask")
    assert job["result"] == {"answer": "mended"}
    [result] = models.requests[1].messages[-1]["results"]  # type: ignore[typeddict-item]
    assert not result["ok"]
    assert "$.answer" in result["text"]


async def test_a_model_that_stops_is_reminded_twice_and_then_the_run_fails(opens: Opens) -> None:
    models = ScriptedModels([says("done, I think")])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask")
    assert (job["status"], job["error_code"]) == ("failed", "output_invalid")
    assert len(models.requests) == 3


async def test_a_model_that_can_not_answer_fails_the_run_and_costs_nothing(opens: Opens) -> None:
    models = ScriptedModels([output()], fails=ModelFailed("the provider said 401: set its key"))
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask")
        assert (job["error_code"], job["cost_micros"]) == ("model_error", 0)
        assert "401" in job["error"]
        key = await bench.mint(kind="publishable")
        public = await bench.run("ask", headers=key.headers)
        assert public["error"] == "the model could not answer"


async def test_an_agent_that_never_ends_is_stopped_after_its_steps(opens: Opens) -> None:
    def go_on(request: Any) -> Any:
        return calls(("memory_search", {"query": "tea"}), step=len(request.messages))

    models = ScriptedModels([go_on])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        job_id = await bench.begin("ask")
        job = await bench.get(job_id, wait=60)
    assert (job["error_code"], len(models.requests)) == ("step_limit", MAX_STEPS)


async def test_a_tool_that_is_not_there_is_answered_with_those_that_are(opens: Opens) -> None:
    models = ScriptedModels([calls(("fly", {})), output()])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        await bench.run("ask")
    [result] = models.requests[1].messages[-1]["results"]  # type: ignore[typeddict-item]
    assert (result["ok"], "there is no tool `fly`" in result["text"]) == (False, True)


async def test_a_limit_on_a_tool_is_kept(opens: Opens) -> None:
    twice = calls(("memory_search", {"query": "tea"}), ("memory_search", {"query": "tea"}))
    models = ScriptedModels([twice, output()])
    async with opens(models) as bench:
        await bench.deploy(agent("ask", tool_limits={"memory_search": 1}))
        await bench.run("ask")
    first, second = models.requests[1].messages[-1]["results"]  # type: ignore[typeddict-item]
    assert (first["ok"], second["ok"]) == (True, False)


async def test_of_two_calls_with_one_id_the_second_is_not_made(opens: Opens) -> None:
    twice = calls(("memory_search", {"query": "tea"}), ("memory_search", {"query": "rum"}))
    twice.tool_calls[1]["id"] = twice.tool_calls[0]["id"]
    models = ScriptedModels([twice, output()])
    async with opens(models) as bench:
        await bench.deploy(agent("ask"))
        await bench.run("ask")
    first, second = models.requests[1].messages[-1]["results"]  # type: ignore[typeddict-item]
    assert (first["ok"], second["ok"]) == (True, False)
    assert "has the same id" in second["text"]


async def test_after_outputs_that_do_not_fit_another_model_goes_on(opens: Opens) -> None:
    wrong = calls(("set_output", {"answer": 7}))
    models = ScriptedModels([wrong, output()])
    async with opens(models) as bench:
        await bench.deploy(
            agent("ask", routing={"escalate_to": "local/draft", "on": ["schema_fail"], "after": 1})
        )
        await bench.run("ask")
    assert [request.model for request in models.requests] == ["scripted/model", "local/draft"]


async def test_a_turn_that_can_not_be_paid_is_not_made(opens: Opens) -> None:
    models = ScriptedModels([output()], bound_micros=2_000_000)
    async with opens(models, run_cost_limit_usd=0.00001) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask")
    assert (job["error_code"], models.requests) == ("cost_limit", [])


async def test_a_turn_is_asked_for_less_where_less_is_left(opens: Opens) -> None:
    models = ScriptedModels([output()], bound_micros=1000)
    async with opens(models, run_cost_limit_usd=0.00055) as bench:
        await bench.deploy(agent("ask"))
        job = await bench.run("ask")
    assert job["status"] == "succeeded"
    [request] = models.requests
    assert request.max_output_tokens is not None
    assert 256 < request.max_output_tokens < 16_000
