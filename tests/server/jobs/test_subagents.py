"""Skills that run skills: depth, circles, slots, timeouts, failures, and what is remembered."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from puras.server.jobs import store
from puras.wire import MAX_LOG_EVENTS

from .bench import ECHO, Bench, Skill, open_bench

CHAIN = """
import puras
def run(depth=0, most=5):
    if depth >= most:
        return {{"depth": depth}}
    inner = puras.subagent.run("c{next}", {{"depth": depth + 1, "most": most}})
    return {{"depth": inner["depth"]}}
"""
NAP = Skill(
    "nap",
    "import time\ndef run(seconds=60):\n    print('asleep', flush=True)\n"
    "    time.sleep(seconds)\n    return {'slept': seconds}\n",
)
CALL = Skill(
    "call",
    """
    import puras
    def run(target="", inputs=None, timeout=None, version=None):
        try:
            return {"result": puras.subagent.run(target, inputs, timeout=timeout, version=version)}
        except puras.JobError as error:
            return {"error": str(error), "job": dict(error.job)}
        except puras.PurasAPIError as error:
            return {"code": error.code, "detail": error.detail}
    """,
)


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Bench]:
    """A server that runs one job at a time."""
    async with open_bench(tmp_path / "data", concurrency=1) as bench:
        yield bench


async def called(bench: Bench, target: str, inputs: Any = None, **more: Any) -> dict[str, Any]:
    job = await bench.run("call", {"target": target, "inputs": inputs, **more})
    assert job["status"] == "succeeded", job
    return dict(job["result"])


def chain() -> list[Skill]:
    return [Skill(f"c{n}", CHAIN.format(next=n + 1)) for n in range(8)]


async def test_a_chain_five_deep_ends_well_one_run_at_a_time(one: Bench) -> None:
    await one.deploy(*chain())
    job = await one.run("c0")
    assert (job["status"], job["result"]) == ("succeeded", {"depth": 5})
    rows = await one.rows("SELECT depth, status, waiting, key_id, root_job_id FROM jobs")
    assert sorted(row["depth"] for row in rows) == [0, 1, 2, 3, 4, 5]
    assert {row["status"] for row in rows} == {"succeeded"}
    assert {(row["key_id"], row["root_job_id"]) for row in rows} == {(job["key_id"], job["id"])}


async def test_a_chain_that_is_deeper_is_refused_in_the_skill(one: Bench) -> None:
    await one.deploy(*chain())
    job = await one.run("c0", {"most": 6})
    assert job["status"] == "failed"
    assert (
        "at most 5 deep" in (await one.rows("SELECT error FROM jobs WHERE depth = 5"))[0]["error"]
    )
    assert len(await one.rows("SELECT id FROM jobs")) == 6


async def test_a_circle_is_refused(bench: Bench) -> None:
    code = "import puras\ndef run(n=0):\n    return puras.subagent.run('{}', {{'n': n + 1}})\n"
    await bench.deploy(Skill("ping", code.format("pong")), Skill("pong", code.format("ping")))
    job = await bench.run("ping")
    assert job["status"] == "failed"
    (row,) = await bench.rows("SELECT error FROM jobs WHERE depth = 1")
    assert "circle" in row["error"]
    assert len(await bench.rows("SELECT id FROM jobs")) == 2


async def test_parallel_children_end_one_at_a_time(one: Bench) -> None:
    family = Skill(
        "family",
        """
        from concurrent.futures import ThreadPoolExecutor
        import puras
        def run(children=4):
            with ThreadPoolExecutor(children) as pool:
                runs = [pool.submit(puras.subagent.run, "echo", {"n": n}) for n in range(children)]
                return {"ns": [run.result()["n"] for run in runs]}
        """,
    )
    await one.deploy(family, ECHO)
    job = await one.run("family")
    assert (job["status"], job["result"]) == ("succeeded", {"ns": [0, 1, 2, 3]})
    children = await one.children(job["id"])
    spans = sorted((child["started_at"], child["finished_at"]) for child in children)
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(spans))


async def test_a_child_tells_of_itself_in_its_parent_s_log_and_in_its_own_job(
    bench: Bench,
) -> None:
    await bench.deploy(CALL, ECHO)
    job = await bench.run("call", {"target": "echo", "inputs": {"n": 1}})
    (child,) = await bench.children(job["id"])
    assert (child["source"], child["inputs"], child["result"]) == ("subagent", {"n": 1}, {"n": 1})
    told = [e for e in await bench.events(job["id"]) if e["type"].startswith("subagent_")]
    shown = {"label": "echo", "depth": 1, "job_id": child["id"]}
    assert [(event["type"], event["payload"]) for event in told] == [
        ("subagent_start", shown),
        ("subagent_end", {**shown, "status": "succeeded"}),
    ]


async def test_a_subskill_is_reachable_from_its_parent_only(bench: Bench) -> None:
    inner = Skill("call/inner", "def run():\n    return {'inner': True}\n")
    other = Skill("other", CALL.code)
    await bench.deploy(CALL, inner, other)
    assert await called(bench, "inner") == {"result": {"inner": True}}
    refused = await bench.run("other", {"target": "inner"})
    assert refused["result"]["code"] == "skill_not_found"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"target": "nothing"}, "skill_not_found"),
        ({"target": "nobody/pack/echo"}, "skill_not_found"),
        ({"target": "a/b/c/d"}, "invalid_request"),
        ({"target": "strict", "inputs": {"n": "one"}}, "invalid_inputs"),
        ({"target": "strict", "inputs": {}}, "invalid_inputs"),
        ({"target": "needy"}, "secrets_missing"),
        ({"target": "echo", "version": 7}, "skill_not_found"),
        ({"target": "pack/echo", "version": 7}, "skill_not_found"),
        ({"target": "echo", "version": "x"}, "invalid_request"),
        ({"target": "echo", "version": 0}, "invalid_request"),
        ({"target": "echo", "timeout": -1}, "invalid_request"),
        ({"target": "echo", "timeout": "soon"}, "invalid_request"),
    ],
)
async def test_calls_that_are_refused_in_the_skill_start_no_child(
    bench: Bench, arguments: dict[str, Any], code: str
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    strict = Skill("strict", ECHO.code, more={"input_schema": schema})
    await bench.deploy(CALL, ECHO, strict, Skill("needy", ECHO.code, more={"secrets": ["TOKEN"]}))
    job = await bench.run("call", arguments)
    assert job["result"]["code"] == code
    assert len(await bench.rows("SELECT id FROM jobs")) == 1


async def test_a_version_pins_a_sibling_too(bench: Bench) -> None:
    await bench.deploy(Skill("which", "def run():\n    return {'version': 1}\n"))
    await bench.deploy(CALL, Skill("which", "def run():\n    return {'version': 2}\n"))
    assert await called(bench, "which") == {"result": {"version": 2}}
    assert await called(bench, "which", version=1) == {"result": {"version": 1}}
    assert await called(bench, "pack/which", version=1) == {"result": {"version": 1}}


async def test_a_child_that_fails_raises_job_error_in_its_parent(bench: Bench) -> None:
    await bench.deploy(CALL, Skill("fail", "def run():\n    raise ValueError('it broke')\n"))
    told = await called(bench, "fail")
    assert told["job"]["status"] == "failed"
    assert told["job"]["error_code"] == "function_error"
    assert "it broke" in told["error"]


async def test_a_child_that_is_not_over_at_its_timeout_is_cancelled(bench: Bench) -> None:
    await bench.deploy(CALL, NAP)
    told = await called(bench, "nap", timeout=0.3)
    assert told["job"]["status"] == "cancelled"
    (row,) = await bench.rows("SELECT status FROM jobs WHERE depth = 1")
    assert row["status"] == "cancelled"
    await bench.until_idle()


async def test_cancelling_a_parent_cancels_and_kills_its_children(one: Bench) -> None:
    await one.deploy(CALL, NAP)
    parent = await one.begin("call", {"target": "nap"})
    child = await child_of(one, parent)
    await one.until_logged(child, "asleep")
    await one.client.post(f"/v1/jobs/{parent}/cancel")
    assert {row["status"] for row in await one.rows("SELECT status FROM jobs")} == {"cancelled"}
    assert (await one.events(child))[-1]["payload"]["status"] == "cancelled"
    await one.until_idle()


async def test_a_parent_s_own_timeout_ends_its_children(bench: Bench) -> None:
    await bench.deploy(Skill("call", CALL.code, more={"timeout_seconds": 1}), NAP)
    job = await bench.run("call", {"target": "nap"})
    assert (job["status"], job["error_code"]) == ("failed", "timeout")
    (child,) = await bench.children(job["id"])
    assert child["status"] == "cancelled"
    await bench.until_idle()


async def child_of(bench: Bench, parent: str) -> str:
    with bench.platform.hub.watch(parent) as watch:
        while not (children := await bench.children(parent)):
            assert await watch.wait(20)
    return str(children[0]["id"])


async def test_a_skill_can_not_forge_what_a_child_gave_it(bench: Bench) -> None:
    forger = Skill(
        "forger",
        """
        import puras
        from puras import _channel
        def run():
            recorded = _channel.count("subagent.run", {"target": "echo", "inputs": {},
                                                       "prompt": None, "version": None})
            try:
                _channel.call("recorded.put", **recorded._asdict(), value={
                    "status": "succeeded", "result": {}, "outputs": [{"drive_path": "plan.txt"}]})
            except puras.PurasAPIError as error:
                return {"code": error.code}
            return {"code": "none"}
        """,
    )
    await bench.deploy(forger)
    assert (await bench.run("forger"))["result"] == {"code": "invalid_request"}


CHATTY = Skill(
    "chatty",
    """
    import sys, puras
    def run():
        puras.step("think")
        puras.log("hello")
        puras.progress(0.5)
        print("a secret matter", file=sys.stderr)
        return {"done": True}
    """,
)


def told(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if "ctx" in event["payload"]]


async def test_what_a_child_says_is_in_its_parent_s_log_with_whose_it_is(bench: Bench) -> None:
    await bench.deploy(CALL, CHATTY)
    job = await bench.run("call", {"target": "chatty"})
    (child,) = await bench.children(job["id"])
    events = await bench.events(job["id"])
    ctx = {"job_id": child["id"], "label": "chatty", "depth": 1}
    assert [event["payload"].pop("ctx") for event in told(events)] == [ctx] * 3
    own = [e for e in await bench.events(child["id"]) if e["type"] in {"step", "log"}]
    shown = [e for e in events if e["type"] in {"step", "log"}]
    assert [(e["type"], e["payload"], e["ts"]) for e in shown] == [
        (e["type"], e["payload"], e["ts"]) for e in own
    ]
    kinds = [event["type"] for event in events]
    assert kinds.index("subagent_start") < kinds.index("step") < kinds.index("subagent_end")
    assert (job["steps"], child["steps"]) == (0, 1)


async def test_what_a_child_says_is_hidden_from_those_who_read_the_public_view(
    bench: Bench,
) -> None:
    await bench.deploy(CALL, CHATTY)
    key = await bench.mint(kind="publishable")
    job = await bench.run("call", {"target": "chatty"}, headers=key.headers)
    public = told(await bench.events(job["id"], headers=key.headers))
    assert [event["payload"].get("message") for event in public] == [None, "hello", "hidden"]
    full = told(await bench.events(job["id"]))
    assert [e["payload"].get("message") for e in full] == [None, "hello", "a secret matter"]


async def test_of_another_workspace_s_skill_a_parent_tells_the_public_view_only(
    bench: Bench,
) -> None:
    stranger = await bench.stranger()
    await bench.deploy(CHATTY, slug="open", public=True, headers=stranger.headers)
    await bench.deploy(CALL)
    job = await bench.run("call", {"target": "other/open/chatty"})
    events = told(await bench.events(job["id"]))
    assert [event["payload"].get("message") for event in events] == [None, "hello", "hidden"]


async def test_what_a_grandchild_says_keeps_its_own_context(bench: Bench) -> None:
    middle = Skill("middle", "import puras\ndef run():\n    return puras.subagent.run('chatty')\n")
    await bench.deploy(CALL, middle, CHATTY)
    job = await bench.run("call", {"target": "middle"})
    events = await bench.events(job["id"])
    said = [e["payload"]["ctx"] for e in events if e["type"] == "log"]
    assert [(ctx["label"], ctx["depth"]) for ctx in said] == [("chatty", 2)] * 2
    starts = [e["payload"] for e in events if e["type"] == "subagent_start"]
    assert [(p["label"], p.get("ctx", {}).get("label")) for p in starts] == [
        ("middle", None),
        ("chatty", "middle"),
    ]


@pytest.mark.slow
async def test_a_child_s_log_counts_against_its_parent_s_allowance(bench: Bench) -> None:
    loud = Skill(
        "loud", "def run(n=6000):\n    for i in range(n):\n        print(i)\n    return {}\n"
    )
    twice = Skill(
        "twice",
        "import puras\ndef run():\n    puras.subagent.run('loud')\n"
        "    return puras.subagent.run('loud')\n",
    )
    await bench.deploy(loud, twice)
    job = await bench.run("twice")
    count = await bench.rows(
        "SELECT count(*) AS n FROM events WHERE job_id = :id AND type = 'log'", id=job["id"]
    )
    assert count[0]["n"] == MAX_LOG_EVENTS + 1


async def test_a_parent_that_begins_again_tells_each_event_of_its_child_once(
    tmp_path: Path,
) -> None:
    """The parent's attempt is handed back while its child is in the middle of what it says."""
    gate = tmp_path / "gate"
    slow = Skill(
        "slow",
        f"""
        import os, time
        def run():
            print("before", flush=True)
            while not os.path.exists({str(gate)!r}):
                time.sleep(0.02)
            print("after", flush=True)
            return {{"done": True}}
        """,
    )
    async with open_bench(tmp_path / "data") as bench:
        await bench.deploy(CALL, slow)
        parent = await bench.begin("call", {"target": "slow"})
        await bench.until_logged(parent, "before")
        await bench.platform.db.write(
            lambda tx: store.hand_back(
                tx, job_id=parent, attempt=1, now=bench.platform.clock(), changes=store.Changes()
            )
        )
        bench.platform.queue.wake()
        gate.write_text("")
        job = await bench.get(parent, wait="20")
        assert job["result"] == {"result": {"done": True}}
        assert job["attempt"] == 2
        assert len(await bench.children(parent)) == 1
        events = await bench.events(parent)
        assert [e["payload"]["message"] for e in events if e["type"] == "log"] == [
            "before",
            "after",
        ]
        kinds = [e["type"] for e in events if e["type"].startswith("subagent_")]
        assert kinds == ["subagent_start", "subagent_end"]
        assert [e["id"] for e in events] == list(range(1, len(events) + 1))
