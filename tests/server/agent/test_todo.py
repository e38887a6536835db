"""The tool `todo_write`."""

from __future__ import annotations

from puras.server.agent.tools.todo import Todo, todo_tools

from ..support import ON_SQLITE
from .support import Bench

pytestmark = ON_SQLITE


def items(*statuses: str) -> list[dict[str, str]]:
    return [{"text": f"part {n}", "status": status} for n, status in enumerate(statuses, 1)]


async def test_the_list_is_kept_and_what_is_done_is_progress(bench: Bench) -> None:
    todo = Todo()
    async with bench.attempt() as attempt:
        attempt.have(todo_tools(attempt.run, todo))
        await attempt.use("todo_write", items=items("in_progress", "pending"))
        assert await attempt.events("progress") == []
        reply = await attempt.use("todo_write", items=items("done", "in_progress"))
        assert reply.text == "[x] part 1\n[>] part 2"
        assert await attempt.events("progress") == [{"fraction": 0.5, "message": "part 2"}]
        empty = await attempt.use("todo_write", items=[])
    assert empty.text == "the list is empty"


async def test_a_list_that_is_none_is_refused_and_the_old_one_stays(bench: Bench) -> None:
    todo = Todo.load(items("done"))
    async with bench.attempt() as attempt:
        attempt.have(todo_tools(attempt.run, todo))
        reply = await attempt.use("todo_write", items=[{"text": "", "status": "later"}])
    assert not reply.ok
    assert "$.items[0].text" in reply.text
    assert "$.items[0].status" in reply.text
    assert todo.dump() == items("done")
