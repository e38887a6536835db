"""Reading, listing, waiting for and cancelling jobs, and paging through their events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import httpx2
import pytest

from puras.server.keys.fences import Fences

from ..support import problem
from .bench import ECHO, Bench, Skill, listening

NAP = Skill(
    "nap",
    "import time\ndef run(seconds=60):\n    print('asleep', flush=True)\n"
    "    time.sleep(seconds)\n    return {}\n",
)


async def timed(work: Awaitable[httpx2.Response]) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    return await work, time.monotonic() - began


async def test_a_held_get_is_answered_the_moment_the_job_ends(bench: Bench) -> None:
    await bench.deploy(NAP)
    job_id = await bench.begin("nap")
    await bench.until_logged(job_id, "asleep")
    holding = asyncio.create_task(timed(bench.client.get(f"/v1/jobs/{job_id}?wait=60")))
    await asyncio.sleep(0.05)
    assert not holding.done()
    cancelled_at = time.monotonic()
    await bench.client.post(f"/v1/jobs/{job_id}/cancel")
    answer, _ = await holding
    assert time.monotonic() - cancelled_at < 10
    assert answer.json()["status"] == "cancelled"


async def test_a_held_get_gives_the_job_as_it_is_when_the_time_is_over(bench: Bench) -> None:
    await bench.deploy(NAP)
    job_id = await bench.begin("nap")
    answer, seconds = await timed(bench.client.get(f"/v1/jobs/{job_id}?wait=0.3"))
    assert 0.3 <= seconds < 10
    assert answer.json()["status"] in {"queued", "running"}


async def test_a_held_submit_gives_a_job_that_is_not_over_as_it_is(bench: Bench) -> None:
    await bench.deploy(NAP)
    answer, seconds = await timed(bench.submit("nap", wait="true", timeout="0.2"))
    assert (answer.status_code, answer.json()["status"] in {"queued", "running"}) == (201, True)
    assert 0.2 <= seconds < 10


async def test_a_failed_job_is_no_http_error(bench: Bench) -> None:
    await bench.deploy(Skill("fail", "def run():\n    raise ValueError('it broke')\n"))
    answer = await bench.submit("fail", wait="yes")
    assert (answer.status_code, answer.json()["status"]) == (201, "failed")
    assert answer.json()["error_code"] == "function_error"
    assert "it broke" in answer.json()["error"]


@pytest.mark.parametrize("wait", ["-1", "abc", "true", "1e2", "inf", "nan", "1,5", "٣"])
async def test_a_wait_that_is_no_decimal_number_is_refused(bench: Bench, wait: str) -> None:
    await bench.deploy(ECHO)
    job_id = (await bench.run("echo"))["id"]
    answer = await bench.client.get(f"/v1/jobs/{job_id}", params={"wait": wait})
    assert problem(answer) == (422, "invalid_request")


@pytest.mark.parametrize("wait", ["61", "100000000000", "60.5", "0", "", ".5"])
async def test_waits_that_are_accepted_are_answered_at_once_where_the_job_is_over(
    bench: Bench, wait: str
) -> None:
    await bench.deploy(ECHO)
    job_id = (await bench.run("echo"))["id"]
    answer, seconds = await timed(bench.client.get(f"/v1/jobs/{job_id}", params={"wait": wait}))
    assert answer.status_code == 200
    assert seconds < 10


async def test_a_client_that_hangs_up_while_waiting_cancels_nothing(bench: Bench) -> None:
    await bench.deploy(NAP)
    async with listening(bench.platform) as base:
        headers = {"Authorization": bench.client.headers["authorization"]}
        async with httpx2.AsyncClient(base_url=base, headers=headers) as client:
            with pytest.raises(httpx2.ReadTimeout):
                await client.post(
                    "/v1/jobs?wait=true",
                    json={"skill": "pack/nap", "inputs": {"seconds": 0.8}},
                    timeout=httpx2.Timeout(10, read=0.4),
                )
        (row,) = await bench.rows("SELECT id FROM jobs")
        job = await bench.get(row["id"], wait="20")
    assert job["status"] == "succeeded"


async def test_a_queued_job_is_cancelled_at_once_and_never_starts(bench: Bench) -> None:
    await bench.deploy(NAP)
    await bench.alter("UPDATE workspaces SET concurrency = 1")
    running, queued = await bench.begin("nap"), await bench.begin("nap")
    await bench.until_logged(running, "asleep")
    answer = await bench.client.post(f"/v1/jobs/{queued}/cancel")
    job = answer.json()
    assert (job["status"], job["error_code"], job["started_at"]) == ("cancelled", "cancelled", None)
    assert [event["payload"]["status"] for event in await bench.events(queued)] == [
        "queued",
        "cancelled",
    ]


async def test_a_running_job_is_cancelled_in_the_answer_and_nothing_follows_its_last_event(
    bench: Bench,
) -> None:
    chatter = "def run():\n    while True:\n        print('on and on', flush=True)\n"
    await bench.deploy(Skill("chatter", chatter))
    job_id = await bench.begin("chatter")
    await bench.until_logged(job_id, "on and on")
    answer = await bench.client.post(f"/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    after = await bench.events(job_id, after=0)
    assert after[-1]["payload"]["status"] == "cancelled"
    await bench.until_idle()
    assert await bench.events(job_id, after=after[-1]["id"]) == []


async def test_a_job_that_is_over_stays_as_it_is_when_it_is_cancelled(bench: Bench) -> None:
    await bench.deploy(ECHO)
    done = await bench.run("echo", {"a": 1})
    answer = await bench.client.post(f"/v1/jobs/{done['id']}/cancel")
    assert (answer.status_code, answer.json()) == (200, done)
    assert (await bench.events(done["id"]))[-1]["payload"] == {"status": "succeeded"}


@pytest.mark.parametrize(
    "job_id", ["01980000-0000-7000-8000-000000000000", "nonsense", "%00", "..", "a%2Fb"]
)
@pytest.mark.parametrize(
    "call", ["GET ", "GET /events", "GET /stream", "POST /cancel", "POST /feedback"]
)
async def test_a_job_that_does_not_exist_is_not_found(bench: Bench, job_id: str, call: str) -> None:
    method, _, rest = call.partition(" ")
    body = {"rating": 1} if rest == "/feedback" else None
    answer = await bench.client.request(method, f"/v1/jobs/{job_id}{rest}", json=body)
    status, code = problem(answer)
    assert (status, code in {"job_not_found", "not_found"}) == (404, True)


async def test_lists_are_filtered_by_status_skillpack_and_skill(bench: Bench) -> None:
    await bench.deploy(ECHO, NAP, Skill("fail", "def run():\n    raise ValueError\n"))
    await bench.deploy(ECHO, slug="tools")
    done = await bench.run("echo")
    failed = await bench.run("fail")
    other = await bench.run("tools/echo")
    (tools,) = [
        pack
        for pack in (await bench.client.get("/v1/skillpacks")).json()
        if pack["slug"] == "tools"
    ]

    async def ids(**query: str) -> list[str]:
        answer = await bench.client.get("/v1/jobs", params=query)
        return [job["id"] for job in answer.json()]

    assert await ids() == [other["id"], failed["id"], done["id"]]
    assert await ids(status="failed") == [failed["id"]]
    assert await ids(skillpack="tools") == [other["id"]]
    assert await ids(skillpack="local/tools") == [other["id"]]
    assert await ids(skillpack_id=tools["id"]) == [other["id"]]
    assert await ids(skill="echo", skillpack="pack") == [done["id"]]
    assert await ids(status="cancelled") == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("status=sleeping", 422, "invalid_request"),
        ("limit=0", 422, "invalid_request"),
        ("limit=x", 422, "invalid_request"),
        ("before=x", 422, "invalid_request"),
        ("skillpack=nothing", 404, "skillpack_not_found"),
    ],
)
async def test_lists_that_can_not_be_had(bench: Bench, query: str, status: int, code: str) -> None:
    assert problem(await bench.client.get(f"/v1/jobs?{query}")) == (status, code)


async def test_link_leads_through_all_pages_each_job_once(bench: Bench) -> None:
    await bench.deploy(ECHO)
    made = [await bench.begin("echo") for _ in range(5)]
    url: str | None = "/v1/jobs?limit=2&skill=echo"
    seen: list[str] = []
    pages = 0
    while url is not None:
        answer = await bench.client.get(url)
        seen += [job["id"] for job in answer.json()]
        link = answer.links.get("next")
        url = None if link is None else link["url"].removeprefix(bench.platform.settings.public_url)
        pages += 1
    assert (seen, pages) == (made[::-1], 3)
    whole = await bench.client.get("/v1/jobs?limit=100000")
    assert len(whole.json()) == 5
    assert "link" not in whole.headers


async def test_a_fenced_secret_key_lists_its_own_root_jobs_only(bench: Bench) -> None:
    await bench.deploy(ECHO)
    key = await bench.mint(fences=Fences(daily_cap_micros=1_000))
    await bench.begin("echo")
    mine = await bench.begin("echo", headers=key.headers)
    answer = await bench.client.get("/v1/jobs", headers=key.headers)
    assert [job["id"] for job in answer.json()] == [mine]


async def test_events_page_by_after_and_limit(bench: Bench) -> None:
    await bench.deploy(Skill("talk", "def run():\n    for n in range(10):\n        print(n)\n"))
    job = await bench.run("talk")
    everything = await bench.events(job["id"])
    assert [event["id"] for event in everything] == list(range(1, 14))
    assert [e["payload"].get("status") for e in everything if e["type"] == "status"] == [
        "queued",
        "running",
        "succeeded",
    ]
    assert set(everything[0]) == {"id", "job_id", "ts", "type", "payload"}
    assert await bench.events(job["id"], after=3, limit=4) == everything[3:7]
    assert await bench.events(job["id"], after=13) == []
    assert await bench.events(job["id"], after=10**17) == []
    for query in ("after=-1", "after=x", "limit=0", "limit=-5"):
        answer = await bench.client.get(f"/v1/jobs/{job['id']}/events?{query}")
        assert problem(answer) == (422, "invalid_request"), query


async def test_a_function_that_prints_raises_and_returns_nothing_has_an_empty_result(
    bench: Bench,
) -> None:
    await bench.deploy(Skill("quiet", "def run():\n    return None\n"))
    job = await bench.run("quiet")
    assert (job["status"], job["result"], job["outputs"]) == ("succeeded", {}, [])
    assert job["cost_micros"] == 0
    assert job["attempt"] == 1
