"""What an agent may do with its memory, and that an attempt that is over may do nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from puras.server.agent.toolbox import Reply, Tool, ToolUse
from puras.server.agent.tools.memory import memory_tools, scope_of
from puras.server.jobs.calls import CallKey
from puras.server.jobs.states import Ending
from puras.server.worker.process.masking import Masker
from puras.server.worker.run import Run

from ...conftest import Seed

if TYPE_CHECKING:
    from puras.server.db.database import Database, Row

DONE = Ending("succeeded", result="{}", outputs="[]")


class Agent:
    """The tools of one attempt, as its loop has them."""

    def __init__(self, db: Database, row: Row) -> None:
        host = SimpleNamespace(masker=Masker(["s3cret-value"]))
        run = cast(Run, SimpleNamespace(row=row, host=host))
        self.row = row
        self.tools: dict[str, Tool] = {
            tool.spec.name: tool for tool in memory_tools(run, db, lambda: 5)
        }

    async def use(self, name: str, **input: Any) -> Reply:
        return await self.tools[name].use(ToolUse("1", name, input, CallKey(name, "", 0)))


@pytest.fixture
async def agent(db: Database, seed: Seed) -> Agent:
    await seed.workspace()
    await seed.job()
    (row,) = await seed.claim()
    return Agent(db, row)


async def test_an_agent_remembers_finds_reads_and_forgets(agent: Agent) -> None:
    kept = await agent.use("memory_put", key="tone", text="Be brief. " * 100, tags=["style"])
    assert kept == Reply("Remembered as `tone`.")
    found = json.loads((await agent.use("memory_search", query="brief")).text)
    assert [(one["key"], one["tags"]) for one in found] == [("tone", ["style"])]
    assert len(found[0]["text"]) == 501
    read = json.loads((await agent.use("memory_get", key="tone")).text)
    assert len(read["text"]) == 1000
    assert (await agent.use("memory_forget", key="tone")).ok
    assert not (await agent.use("memory_get", key="tone")).ok
    assert not (await agent.use("memory_forget", key="tone")).ok
    assert "Nothing is remembered" in (await agent.use("memory_search", query="brief")).text


async def test_what_is_read_counts_as_used(agent: Agent, db: Database) -> None:
    from puras.server.memory import store

    await agent.use("memory_put", key="tone", text="brief")
    await agent.use("memory_get", key="tone")
    found = await db.read(lambda tx: store.most_used(tx, scope_of(agent.row), limit=9))
    assert [(memory.key, memory.uses) for memory in found] == [("tone", 1)]


async def test_secrets_are_hidden_in_what_is_kept(agent: Agent) -> None:
    await agent.use("memory_put", key="s3cret-value", text="it is s3cret-value", tags=["a"])
    assert "s3cret" not in (await agent.use("memory_get", key="••••")).text


async def test_a_shared_memory_is_read_by_the_skills_beside(
    agent: Agent, db: Database, seed: Seed
) -> None:
    await agent.use("memory_put", key="brand", text="orange", shared=True)
    await agent.use("memory_put", key="own", text="mine")
    await seed.job(skill_name="beside")
    (row,) = await seed.claim()
    beside = Agent(db, row)
    assert json.loads((await beside.use("memory_get", key="brand")).text)["shared"] is True
    assert not (await beside.use("memory_get", key="own")).ok
    assert not (await beside.use("memory_forget", key="brand")).ok
    assert (await beside.use("memory_forget", key="brand", shared=True)).ok


async def test_an_input_that_does_not_fit_is_told_whole(agent: Agent) -> None:
    reply = await agent.use("memory_put", text=3, more=1)
    assert not reply.ok
    assert all(word in reply.text for word in ("`key`", "$.text", "`more`"))
    assert not (await agent.use("memory_put", key=" ", text="x")).ok


async def test_an_attempt_that_is_over_changes_nothing(agent: Agent, seed: Seed) -> None:
    await seed.end(agent.row, DONE)
    refused = await agent.use("memory_put", key="late", text="x")
    assert (refused.ok, "over" in refused.text) == (False, True)
    assert not (await agent.use("memory_get", key="late")).ok
