"""A skill's own Python tools."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from puras.server.agent.tools.bash import bash_tools
from puras.server.agent.tools.own import own_tools

from ..support import ON_SQLITE
from .support import Attempt, Bench

pytestmark = ON_SQLITE


def with_tool(bench: Bench, code: str, **declared: Any) -> None:
    bench.write("tools/t.py", code)
    tool = {"name": "t", "description": "A tool.", "entrypoint": "tools/t.py:t", **declared}
    bench.extra = {"tools": [tool, {"name": "other", "skill": "sibling"}]}


def tools_of(attempt: Attempt) -> Attempt:
    attempt.have(own_tools(attempt.run, attempt.hands))
    attempt.have(bash_tools(attempt.run, attempt.hands))
    return attempt


async def test_a_tool_is_called_with_its_input_by_name(either_bench: Bench) -> None:
    with_tool(either_bench, "def t(a, b=2): return {'sum': a + b}")
    async with either_bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t", a=1)
        assert set(attempt.tools) == {"t", "bash"}
    assert (reply.ok, json.loads(reply.text)) == (True, {"sum": 3})


async def test_a_tool_may_be_async_and_reads_and_writes_the_directory(bench: Bench) -> None:
    code = """
        import asyncio, pathlib
        async def t():
            await asyncio.sleep(0)
            pathlib.Path("out").write_text(pathlib.Path("in").read_text() * 2)
            return "done"
    """
    with_tool(bench, code)
    async with bench.attempt() as attempt:
        await tools_of(attempt).use("bash", command="printf ab > in")
        reply = await attempt.use("t")
        out = await attempt.use("bash", command="cat out")
    assert (reply.text, out.text) == ("done", "[exit code 0]\nabab")


async def test_an_input_that_does_not_fit_is_answered_with_every_fault(bench: Bench) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "color": {"type": "color"}},
        "required": ["n", "color"],
    }
    with_tool(bench, "def t(n, color): return n", input_schema=schema)
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t", n="one")
    assert not reply.ok
    assert "$.n: must be" in reply.text
    assert "`color` is missing" in reply.text


async def test_an_output_that_does_not_fit_is_told(bench: Bench) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with_tool(bench, "def t(): return {'n': 'one'}", output_schema=schema)
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
    assert not reply.ok
    assert "$.n: must be" in reply.text


async def test_an_error_comes_with_the_tool_s_own_lines(bench: Bench) -> None:
    with_tool(bench, "def t():\n    return broken()\ndef broken():\n    raise KeyError('x')\n")
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
    assert not reply.ok
    assert reply.text.startswith("KeyError: 'x' (tools/t.py:4)\n\nTraceback")
    assert "return broken()" in reply.text
    assert "invocation.py" not in reply.text


async def test_a_user_error_is_told_by_its_text(bench: Bench) -> None:
    with_tool(bench, "import puras\ndef t(): raise puras.UserError('no stock left')")
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
    assert (reply.ok, reply.text) == (False, "no stock left")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os\ndef t(): os._exit(3)", "ended without an answer"),
        ("import os, signal\ndef t(): os.kill(os.getpid(), signal.SIGKILL)", "ended without"),
        ("import sys\ndef t(): sys.exit('over')", "sys.exit(over)"),
        ("def t(): return {1, 2}", "is no JSON"),
        ("def t(): return bytearray(10**10)", "more memory"),
        ("raise ImportError('no module')\ndef t(): pass", "ImportError: no module"),
    ],
)
async def test_whatever_a_tool_does_costs_only_its_call(
    either_bench: Bench, code: str, why: str
) -> None:
    with_tool(either_bench, code)
    async with either_bench.attempt() as attempt:
        tools_of(attempt)
        await attempt.use("bash", command="touch before")
        reply = await attempt.use("t")
        assert not reply.ok
        assert why in reply.text
        after = await attempt.use("bash", command="ls")
        await attempt.hands.call("read", {"path": "before"}, timeout=20)
    assert "before" in after.text


async def test_a_tool_that_hangs_is_stopped(bench: Bench) -> None:
    with_tool(bench, "import time\ndef t(): time.sleep(1000)")
    async with bench.attempt() as attempt:
        order = {"source": "tools/t.py", "function": "t", "input": {}, "scope": "x"}
        answer = await attempt.hands.call("own", order, timeout=0.5)
        after = await tools_of(attempt).use("bash", command="echo on")
    assert answer.text == "stopped after 0.5 s: let it do less at a time"
    assert after.text == "[exit code 0]\non"


async def test_a_daemon_of_a_tool_ends_with_the_call(either_bench: Bench) -> None:
    code = """
        import os, time
        def t():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execvp("sleep", ["sleep", "7654"])
                os._exit(0)
            os.wait()
            return "left it"
    """
    with_tool(either_bench, code)
    async with either_bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
        assert reply.text == "left it"
        left = "0"
        for _ in range(100):  # what the hand leaves is killed when it is gone, a moment later
            left = (await attempt.use("bash", command="pgrep -f '^sleep 7654' | wc -l")).text
            if left.endswith("0"):
                break
    assert left == "[exit code 0]\n0"


async def test_tools_get_the_secrets_and_what_they_tell_of_them_is_masked(bench: Bench) -> None:
    bench.secrets = {"API_KEY": "a-long-secret"}
    with_tool(
        bench, "import os\ndef t(): return [os.environ['API_KEY'], len(os.environ['API_KEY'])]"
    )
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
    assert json.loads(reply.text) == ["••••", 13]


async def test_what_a_tool_prints_and_says_is_in_the_log(bench: Bench) -> None:
    code = """
        import puras
        def t():
            print("printed")
            puras.log("said")
            puras.step("a step")
            return puras.job.inputs
    """
    with_tool(bench, code)
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
        assert json.loads(reply.text) == {"prompt": "go"}
        for line in ("printed", "said", "a step"):
            await attempt.hear(line)
        assert await attempt.events("step") == []


async def test_a_long_result_is_cut(bench: Bench) -> None:
    with_tool(bench, "def t(): return 'x' * 200_000")
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
    assert reply.text.endswith("x\n[… cut: the result has 200,000 characters]")
    assert len(reply.text) < 100_100


async def test_the_same_call_in_two_tools_is_two_recorded_calls(bench: Bench) -> None:
    code = """
        from puras import _channel
        def t(): return list(_channel.count("media", {"a": 1}))
    """
    with_tool(bench, code)
    async with bench.attempt() as attempt:
        tools_of(attempt)
        one, other = await asyncio.gather(attempt.use("t"), attempt.use("t"))
    first, second = json.loads(one.text), json.loads(other.text)
    assert first[1] != second[1]
    assert first[2] == second[2] == 1


async def test_a_tool_finds_what_its_skill_shares(bench: Bench) -> None:
    (bench.bundle / "lib").mkdir()
    (bench.bundle / "lib" / "shared.py").write_text("answer = 42")
    bench.write("tools/near.py", "other = 1")
    with_tool(
        bench, "import near\nfrom lib.shared import answer\ndef t(): return answer + near.other"
    )
    async with bench.attempt() as attempt:
        reply = await tools_of(attempt).use("t")
    assert reply.text == "43"


async def test_tools_of_one_turn_may_run_side_by_side_but_not_twice_the_same(bench: Bench) -> None:
    with_tool(bench, "def t(): pass", confirm=True)
    async with bench.attempt() as attempt:
        tool = own_tools(attempt.run, attempt.hands)[0]
    assert (tool.mutates, tool.confirm, tool.repeats) == ("own:t", True, False)
