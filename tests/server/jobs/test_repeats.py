"""Submitting twice with one Idempotency-Key: one job, however it is repeated."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2

from puras.server.keys.fences import Fences

from ..support import Minted, problem
from .bench import ECHO, Bench, Skill

NAP = Skill("nap", "import time\ndef run(seconds=0.5):\n    time.sleep(seconds)\n    return {}\n")


async def post(
    bench: Bench,
    body: Any = None,
    *,
    repeat: str = "again",
    key: Minted | None = None,
    **query: Any,
) -> httpx2.Response:
    return await bench.client.post(
        "/v1/jobs",
        json=body or {"skill": "pack/echo", "inputs": {"n": 1}},
        params=query,
        headers={"Idempotency-Key": repeat, **(key.headers if key else {})},
    )


async def test_twenty_at_once_make_one_job(bench: Bench) -> None:
    await bench.deploy(ECHO)
    answers = await asyncio.gather(*(post(bench) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert sorted(replayed, key=str) == [None] + ["true"] * 19
    assert len(await bench.rows("SELECT id FROM jobs")) == 1
    assert len(await bench.rows("SELECT 1 FROM events WHERE id = 1")) == 1


async def test_a_repeat_gets_the_job_as_it_is_now_and_its_wait_is_honoured(bench: Bench) -> None:
    await bench.deploy(NAP)
    body = {"skill": "pack/nap", "inputs": {"seconds": 0.5}}
    first = await post(bench, body)
    assert first.json()["status"] in {"queued", "running"}
    again = await post(bench, body, wait="true", timeout="20")
    assert again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "succeeded")


async def test_another_body_or_query_under_the_same_key_is_a_mismatch(bench: Bench) -> None:
    await bench.deploy(ECHO)
    first = await post(bench)
    other = await post(bench, {"skill": "pack/echo", "inputs": {"n": 2}})
    assert problem(other) == (422, "idempotency_mismatch")
    assert problem(await post(bench, version="1")) == (422, "idempotency_mismatch")
    prompt = await post(bench, {"prompt": "hi"})
    assert problem(prompt) == (422, "idempotency_mismatch")
    assert (await post(bench)).json()["id"] == first.json()["id"]


async def test_a_mismatch_among_many_at_once_makes_no_second_job(bench: Bench) -> None:
    await bench.deploy(ECHO)
    bodies = [{"skill": "pack/echo", "inputs": {"n": n % 2}} for n in range(20)]
    answers = await asyncio.gather(*(post(bench, body) for body in bodies))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] * 10 + [422] * 10
    assert len(await bench.rows("SELECT id FROM jobs")) == 1


async def test_a_refusal_is_not_kept(bench: Bench) -> None:
    await bench.deploy(ECHO)
    missing = {"skill": "pack/later"}
    assert problem(await post(bench, missing)) == (404, "skill_not_found")
    await bench.deploy(ECHO, Skill("later", ECHO.code))
    made = await post(bench, missing)
    assert made.status_code == 201
    assert "idempotent-replayed" not in made.headers


async def test_a_repeat_is_answered_although_the_request_would_be_refused_now(
    bench: Bench,
) -> None:
    await bench.deploy(ECHO)
    key = await bench.mint(fences=Fences(rate_per_minute=1))
    first = await post(bench, key=key)
    again = await post(bench, key=key)
    assert again.json()["id"] == first.json()["id"]
    assert problem(await post(bench, repeat="fresh", key=key)) == (429, "rate_limited")


async def test_another_key_s_same_idempotency_key_is_its_own(bench: Bench) -> None:
    await bench.deploy(ECHO)
    other = await bench.mint()
    ids = {(await post(bench)).json()["id"], (await post(bench, key=other)).json()["id"]}
    assert len(ids) == 2


async def test_another_path_s_same_idempotency_key_is_its_own(bench: Bench) -> None:
    await bench.deploy(ECHO)
    await post(bench)
    minted = await bench.client.post(
        "/v1/keys",
        json={"name": "n", "kind": "secret"},
        headers={"Idempotency-Key": "again"},
    )
    assert minted.status_code == 201
    assert "idempotent-replayed" not in minted.headers


async def test_idempotency_keys_have_1_to_255_characters(bench: Bench) -> None:
    await bench.deploy(ECHO)
    assert (await post(bench, repeat="k" * 255)).status_code == 201
    assert problem(await post(bench, repeat="k" * 256)) == (422, "invalid_request")
    assert problem(await post(bench, repeat="")) == (422, "invalid_request")


async def test_wait_and_timeout_are_no_part_of_what_is_asked_for(bench: Bench) -> None:
    await bench.deploy(ECHO)
    first = await post(bench, wait="1", timeout="5")
    began = time.monotonic()
    again = await post(bench, wait="yes", timeout="50")
    assert again.json()["id"] == first.json()["id"]
    assert time.monotonic() - began < 5
