"""Running a job once more: the same inputs, past the same checks as any submit."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from puras.server.clock import new_id
from puras.server.keys.fences import AllowedSkill, Fences

from ..support import problem
from .bench import ECHO, Bench, Skill


async def replay(bench: Bench, job_id: str, **more: Any) -> httpx2.Response:
    return await bench.client.post(f"/v1/jobs/{job_id}/replay", **more)


def version(number: int) -> Skill:
    code = f"def run(**inputs): return {{'version': {number}, 'inputs': inputs}}\n"
    return Skill("echo", code, properties={"n": {"type": "integer", "default": 7}})


async def test_a_replay_is_a_new_job_with_the_same_inputs_on_the_same_version(
    bench: Bench,
) -> None:
    await bench.deploy(version(1))
    first = await bench.run("echo", {"x": "y"})
    await bench.deploy(version(2))
    answer = await replay(bench, first["id"])
    assert answer.status_code == 201
    again = answer.json()
    assert again["id"] != first["id"]
    assert again["source"] == "replay"
    done = await bench.get(again["id"], wait="20")
    assert done["result"] == {"version": 1, "inputs": {"x": "y", "n": 7}}
    newer = (await replay(bench, first["id"], params={"version": 2})).json()
    assert (await bench.get(newer["id"], wait="20"))["result"]["version"] == 2


async def test_a_version_that_is_gone_is_named_with_the_way_out(bench: Bench) -> None:
    old = await bench.deploy(version(1))
    first = await bench.run("echo")
    await bench.deploy(version(2))
    path = f"/v1/skillpacks/pack/deployments/{old['id']}"
    assert (await bench.client.delete(path)).status_code == 204
    answer = await replay(bench, first["id"])
    assert problem(answer) == (404, "version_not_found")
    assert "?version=" in answer.json()["detail"]
    assert (await replay(bench, first["id"], params={"version": 2})).status_code == 201
    answer = await replay(bench, first["id"], params={"version": 9})
    assert problem(answer) == (404, "version_not_found")


async def test_inputs_that_do_not_fit_another_version_are_refused(bench: Bench) -> None:
    await bench.deploy(version(1))
    first = await bench.run("echo")
    strict = {"input_schema": {"type": "object", "properties": {}, "required": ["new"]}}
    await bench.deploy(Skill("echo", ECHO.code, more=strict))
    answer = await replay(bench, first["id"], params={"version": 2})
    assert problem(answer) == (400, "invalid_inputs")


async def test_a_repeated_replay_is_the_same_job(bench: Bench) -> None:
    await bench.deploy(version(1))
    first = await bench.run("echo")
    headers = {"Idempotency-Key": "once"}
    answers = [await replay(bench, first["id"], headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["idempotent-replayed"] == "true"
    other = await replay(bench, first["id"], headers=headers, params={"version": 1})
    assert problem(other) == (422, "idempotency_mismatch")


async def test_a_replay_passes_every_check_of_a_submit(bench: Bench) -> None:
    await bench.deploy(version(1))
    first = await bench.run("echo")
    await bench.alter("UPDATE workspaces SET balance_micros = 0")
    assert problem(await replay(bench, first["id"])) == (402, "insufficient_credits")
    rated = await bench.mint(fences=Fences(rate_per_minute=1))
    await bench.alter("UPDATE workspaces SET balance_micros = 1000000")
    got = [await replay(bench, first["id"], headers=rated.headers) for _ in range(2)]
    assert got[0].status_code == 201
    assert problem(got[1]) == (429, "rate_limited")


async def test_whose_jobs_a_key_may_replay(bench: Bench) -> None:
    made = await bench.deploy(version(1))
    first = await bench.run("echo")
    public = await bench.mint(kind="publishable")
    answer = await replay(bench, first["id"], headers=public.headers)
    assert problem(answer) == (403, "key_kind_not_allowed")
    stranger = await bench.stranger()
    answer = await replay(bench, first["id"], headers=stranger.headers)
    assert problem(answer) == (404, "job_not_found")
    assert problem(await replay(bench, new_id())) == (404, "job_not_found")
    assert made["version"] == 1


async def test_a_key_replays_only_what_it_may_run_still(bench: Bench) -> None:
    await bench.deploy(version(1))
    (pack,) = await bench.rows("SELECT id FROM skillpacks")
    allowed = (AllowedSkill(pack["id"], "echo", "pack/echo"),)
    key = await bench.mint(fences=Fences(skills=allowed))
    first = await bench.run("echo", headers=key.headers)
    assert (await replay(bench, first["id"], headers=key.headers)).status_code == 201
    await bench.alter("UPDATE key_skills SET skill_name = 'other'")
    answer = await replay(bench, first["id"], headers=key.headers)
    assert problem(answer) == (403, "skill_not_allowed")


@pytest.mark.parametrize("child", ["near", "other"])
async def test_of_children_only_those_are_replayed_that_can_be_submitted(
    bench: Bench, child: str
) -> None:
    code = f"import puras\ndef run(): return puras.subagent.run({child!r})\n"
    await bench.deploy(
        Skill("parent", code), Skill("parent/near", ECHO.code), Skill("other", ECHO.code)
    )
    job = await bench.run("parent")
    (below,) = await bench.children(job["id"])
    answer = await replay(bench, below["id"])
    if child == "other":
        assert answer.status_code == 201
        assert answer.json()["parent_job_id"] is None
    else:
        assert problem(answer) == (404, "skill_not_found")
        assert job["id"] in answer.json()["detail"]


async def test_a_version_that_is_no_number_is_refused(bench: Bench) -> None:
    await bench.deploy(version(1))
    first = await bench.run("echo")
    answer = await replay(bench, first["id"], params={"version": "x"})
    assert problem(answer) == (422, "invalid_request")
