from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.clock import SECOND, new_id
from puras.server.db.database import Transaction
from puras.server.deployments import store as deployments
from puras.server.feedback.routes import routes
from puras.server.jobs import store as jobs
from puras.server.jobs.states import NewJob
from puras.server.platform import Platform

from ..support import (
    HandClock,
    Minted,
    make_skillpack,
    make_workspace,
    mint,
    open_platform,
    problem,
    serving,
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as opened:
        yield opened


@pytest.fixture
async def workspace(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def key(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace)


@pytest.fixture
async def public(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace, kind="publishable")


@pytest.fixture
async def job(platform: Platform, workspace: str, public: Minted) -> str:
    """A job that the publishable key submitted."""
    pack_id = await make_skillpack(platform, workspace, "pack", skills=["s"])
    job_id = new_id()

    async def enqueue(tx: Transaction) -> None:
        deployment = await deployments.active(tx, pack_id)
        assert deployment is not None
        job = NewJob(
            id=job_id,
            workspace_id=workspace,
            skillpack_id=pack_id,
            skillpack="pack",
            deployment_id=deployment.id,
            version=1,
            skill_name="s",
            type="function",
            key_id=public.id,
            inputs={},
            wide_reach=False,
            public_view=False,
        )
        await jobs.enqueue(tx, job, now=1)

    await platform.db.write(enqueue)
    return job_id


async def rate(client: httpx2.AsyncClient, key: Minted, job: str, **body: Any) -> httpx2.Response:
    return await client.post(f"/v1/jobs/{job}/feedback", json=body, headers=key.headers)


async def test_a_rating_is_kept_and_the_next_one_replaces_it(
    client: httpx2.AsyncClient, key: Minted, job: str, clock: HandClock
) -> None:
    first = await rate(client, key, job, rating=1)
    assert first.status_code == 200
    assert first.json() == {
        "job_id": job,
        "rating": 1,
        "comment": None,
        "end_user_id": None,
        "created_at": first.json()["created_at"],
        "updated_at": first.json()["created_at"],
    }
    clock.moment += SECOND
    second = (await rate(client, key, job, rating=-1, comment=" no ")).json()
    assert (second["rating"], second["comment"]) == (-1, "no")
    assert second["created_at"] == first.json()["created_at"] < second["updated_at"]


async def test_each_end_user_has_a_rating_of_their_own(
    client: httpx2.AsyncClient, key: Minted, public: Minted, job: str
) -> None:
    ratings = [
        (await rate(client, key, job, rating=1, end_user_id="ann")).json(),
        (await rate(client, key, job, rating=-1, end_user_id="bob")).json(),
        (await rate(client, key, job, rating=1)).json(),
        (await rate(client, public, job, rating=-1, end_user_id="ann")).json(),
    ]
    assert [one["end_user_id"] for one in ratings] == ["ann", "bob", None, "ann"]
    assert ratings[3]["created_at"] == ratings[0]["created_at"]
    assert ratings[3]["rating"] == -1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"rating": 0}, "comment"),
        ({"rating": 0, "comment": "  "}, "comment"),
        ({"rating": 1, "comment": "x" * 10_001}, "comment"),
        ({"rating": 1, "end_user_id": "x" * 256}, "end_user_id"),
        ({"rating": 2}, "rating"),
        ({}, "rating"),
    ],
)
async def test_feedback_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, key: Minted, job: str, body: dict[str, Any], path: str
) -> None:
    answer = await rate(client, key, job, **body)
    assert problem(answer) == (422, "invalid_request")
    assert path in answer.json()["errors"][0]["path"] + answer.json()["errors"][0]["message"]


async def test_a_comment_alone_has_a_rating_of_zero(
    client: httpx2.AsyncClient, key: Minted, job: str
) -> None:
    answer = await rate(client, key, job, rating=0, comment="hm", later_field=1)
    assert (answer.status_code, answer.json()["comment"]) == (200, "hm")


async def test_only_who_may_see_a_job_may_rate_it(
    client: httpx2.AsyncClient, platform: Platform, workspace: str, job: str
) -> None:
    other_public = await mint(platform, workspace, kind="publishable")
    stranger = await mint(platform, await make_workspace(platform, "other"))
    for key, job_id in ((other_public, job), (stranger, job), (stranger, new_id())):
        answer = await rate(client, key, job_id, rating=1)
        assert problem(answer) == (404, "job_not_found")
