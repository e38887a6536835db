"""Where a job's time went, as its run tells it."""

from __future__ import annotations

from typing import Any

from puras.server.keys.fences import Fences
from puras.server.worker.trace import Trace

from ..jobs.bench import ECHO, Bench, Skill
from ..support import problem


async def spans(bench: Bench, job_id: str) -> list[dict[str, Any]]:
    answer = await bench.client.get(f"/v1/jobs/{job_id}/spans")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def drawn(found: list[dict[str, Any]]) -> dict[str, str | None]:
    """Each span's name, and that of its parent."""
    names = {span["span_id"]: span["name"] for span in found}
    return {span["name"]: names.get(span["parent_span_id"]) for span in found}


async def test_a_run_has_its_function_below_it(bench: Bench) -> None:
    await bench.deploy(ECHO)
    job_id = (await bench.run("echo"))["id"]
    run, function = await spans(bench, job_id)
    assert (run["kind"], run["name"], run["parent_span_id"]) == ("run", "pack/echo", None)
    assert (function["kind"], function["name"]) == ("function", "main.py:run")
    assert function["parent_span_id"] == run["span_id"]
    assert run["attributes"] == {"attempt": 1, "status": "succeeded"}
    assert run["duration_ms"] >= function["duration_ms"] > 0
    assert run["started_at"] <= function["started_at"]
    assert run["trace_id"] == function["trace_id"] == job_id.replace("-", "")


async def test_steps_hang_below_each_other_and_are_there_while_the_job_runs(bench: Bench) -> None:
    code = """
    import time, puras
    def inner(): return puras.step("inner", lambda: 1)
    def run():
        puras.step("outer", inner)
        puras.step("told only")
        puras.log("now")
        time.sleep(60)
    """
    await bench.deploy(Skill("steps", code))
    job_id = await bench.begin("steps")
    await bench.until_logged(job_id, "now")
    found = await spans(bench, job_id)
    assert [(span["kind"], span["name"]) for span in found] == [
        ("step", "outer"),
        ("step", "inner"),
    ]
    await bench.client.post(f"/v1/jobs/{job_id}/cancel")
    await bench.until_idle()
    found = await spans(bench, job_id)
    assert drawn(found) == {
        "pack/steps": None,
        "main.py:run": "pack/steps",
        "outer": "main.py:run",
        "inner": "outer",
    }
    assert found[0]["attributes"] == {"attempt": 1, "status": "stopped"}


async def test_a_step_that_fails_says_so(bench: Bench) -> None:
    await bench.deploy(
        Skill("fails", "import puras\ndef run(): puras.step('bad', lambda: 1 / 0)\n")
    )
    job = await bench.run("fails")
    found = {span["name"]: span["attributes"] for span in await spans(bench, job["id"])}
    assert found["bad"] == {"failed": True}
    assert found["pack/fails"] == {
        "attempt": 1,
        "status": "failed",
        "error_code": "function_error",
    }


async def test_a_step_in_which_the_process_died_is_cut_off(bench: Bench) -> None:
    code = "import os, puras\ndef run(): puras.step('deadly', os._exit, 3)\n"
    await bench.deploy(Skill("dies", code))
    job = await bench.run("dies")
    found = {span["name"]: span for span in await spans(bench, job["id"])}
    assert found["deadly"]["attributes"] == {"cut_off": True}
    assert found["deadly"]["duration_ms"] is not None


async def test_a_step_that_was_kept_is_not_timed_again(bench: Bench) -> None:
    code = """
    import os, puras
    def run():
        puras.step("once", lambda: 1)
        return {"attempt": puras.job.attempt}
    """
    await bench.deploy(Skill("kept", code))
    job_id = (await bench.run("kept"))["id"]
    before = await spans(bench, job_id)
    await bench.alter(
        "UPDATE jobs SET status = 'queued', finished_at = NULL, result = NULL WHERE id = :id",
        id=job_id,
    )
    bench.platform.queue.wake()
    assert (await bench.get(job_id, wait="20"))["result"] == {"attempt": 2}
    after = await spans(bench, job_id)
    assert [span["name"] for span in after].count("once") == 1
    assert [span["attributes"]["attempt"] for span in after if span["kind"] == "run"] == [1, 2]
    assert before == after[: len(before)]


async def test_the_run_of_a_child_hangs_below_the_call_that_started_it(bench: Bench) -> None:
    code = """
    import puras
    def run():
        return puras.step("ask", puras.subagent.run, "echo", {"x": 1})
    """
    await bench.deploy(Skill("parent", code), ECHO)
    job_id = (await bench.run("parent"))["id"]
    (child,) = await bench.children(job_id)
    above, below = await spans(bench, job_id), await spans(bench, child["id"])
    assert drawn(above)["subagent echo"] == "ask"
    (call,) = [span for span in above if span["kind"] == "tool"]
    assert call["attributes"] == {"job_id": child["id"], "status": "succeeded"}
    assert below[0]["parent_span_id"] == call["span_id"]
    assert {span["trace_id"] for span in [*above, *below]} == {job_id.replace("-", "")}


async def test_a_name_is_cut_and_a_parent_that_does_not_exist_is_none(bench: Bench) -> None:
    code = """
    from puras import _channel
    def run():
        opened = _channel.call("span.open", name="n" * 999, parent="made up")["span"]
        _channel.call("span.close", span=opened, failed=False)
        _channel.call("span.close", span=opened, failed=True)
        _channel.call("span.close", span="made up", failed=True)
        try:
            _channel.call("span.open", name="", parent=None)
        except Exception as error:
            return {"code": error.code}
    """
    await bench.deploy(Skill("odd", code))
    job = await bench.run("odd")
    assert job["result"] == {"code": "invalid_request"}
    assert drawn(await spans(bench, job["id"]))["n" * 200] == "main.py:run"


async def test_an_attempt_keeps_a_bounded_number_of_spans(bench: Bench) -> None:
    await bench.deploy(ECHO)
    job_id = (await bench.run("echo"))["id"]
    await bench.alter("DELETE FROM spans")
    (row,) = await bench.rows("SELECT * FROM jobs")
    trace = Trace(bench.platform.db, bench.platform.clock, row, most=3)
    for number in range(5):
        await trace.end(trace.begin("step", f"s{number}"))
    trace.finish()
    assert [span.name for span in trace.pending] == ["pack/echo"]
    assert [span["name"] for span in await spans(bench, job_id)] == ["s0", "s1"]


async def test_who_may_see_a_jobs_spans(bench: Bench) -> None:
    await bench.deploy(ECHO)
    job_id = (await bench.run("echo"))["id"]
    capped = await bench.mint(fences=Fences(daily_cap_micros=10**6))
    public = await bench.mint(kind="publishable")
    for key, expected in (
        (capped, (404, "job_not_found")),
        (public, (403, "key_kind_not_allowed")),
        (await bench.stranger(), (404, "job_not_found")),
    ):
        answer = await bench.client.get(f"/v1/jobs/{job_id}/spans", headers=key.headers)
        assert problem(answer) == expected
    own = await bench.run("echo", headers=capped.headers)
    answer = await bench.client.get(f"/v1/jobs/{own['id']}/spans", headers=capped.headers)
    assert len(answer.json()) == 2
