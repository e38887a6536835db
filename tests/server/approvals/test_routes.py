"""Reading and answering what an agent asks, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.approvals import store as approvals
from puras.server.approvals.ask import Ask
from puras.server.approvals.routes import routes
from puras.server.clock import SECOND, new_id
from puras.server.db.database import Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.jobs import store as jobs
from puras.server.jobs.claim import claim
from puras.server.jobs.routes import routes as job_routes
from puras.server.jobs.states import NewJob
from puras.server.keys.fences import Fences
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
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=HandClock()) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes, job_routes) as opened:
        yield opened


@dataclass(frozen=True)
class Desk:
    """A workspace with a key, and jobs that ask."""

    platform: Platform
    workspace: str
    pack: str
    key: Minted

    async def asking(self, key: Minted, *, below: Row | None = None) -> Row:
        """Queue a job, claim it, and park it with one question."""
        clock = self.platform.clock

        async def effect(tx: Transaction) -> Row:
            deployment = await deployments.active(tx, self.pack)
            assert deployment is not None
            job = NewJob(
                id=new_id(),
                workspace_id=self.workspace,
                skillpack_id=self.pack,
                skillpack="pack",
                deployment_id=deployment.id,
                version=1,
                skill_name="skill",
                type="function",
                key_id=key.id,
                inputs={},
                wide_reach=True,
                public_view=False,
                parent_job_id=below and below["id"],
                root_job_id=below and below["id"],
                depth=0 if below is None else 1,
            )
            await jobs.enqueue(tx, job, now=clock())
            (row,), changes = await claim(tx, worker_id="w", concurrency=10, most=1, now=clock())
            ask = Ask("1.0", "refund", {"order": 7}, 1)
            await approvals.park(tx, row, [ask], timeout=60 * SECOND, now=clock(), changes=changes)
            return row

        return await self.platform.db.write(effect)


@pytest.fixture
async def desk(platform: Platform) -> Desk:
    workspace = await make_workspace(platform)
    pack = await make_skillpack(platform, workspace, "pack", skills=["skill"])
    return Desk(platform, workspace, pack, await mint(platform, workspace))


async def listed(client: httpx2.AsyncClient, job: Row, key: Minted) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/jobs/{job['id']}/approvals", headers=key.headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, list)
    return found


async def test_an_approval_is_listed_and_answered(client: httpx2.AsyncClient, desk: Desk) -> None:
    job = await desk.asking(desk.key)
    (asked,) = await listed(client, job, desk.key)
    assert (
        asked.items()
        >= {
            "job_id": job["id"],
            "tool_call_id": "1.0",
            "tool_name": "refund",
            "tool_input": {"order": 7},
            "status": "pending",
            "reason": None,
            "decided_at": None,
        }.items()
    )
    answer = await client.post(
        f"/v1/approvals/{asked['id']}",
        json={"decision": "denied", "reason": " half of it "},
        headers=desk.key.headers,
    )
    assert answer.status_code == 200
    settled = answer.json()
    assert (settled["status"], settled["reason"]) == ("denied", "half of it")
    assert settled["decided_at"] == settled["created_at"]
    assert await listed(client, job, desk.key) == [settled]
    events = await client.get(f"/v1/jobs/{job['id']}/events", headers=desk.key.headers)
    required, _, decided = events.json()[-3:]
    assert required["type"] == "approval_required"
    assert required["payload"] == {
        "approval_id": asked["id"],
        "tool_call_id": "1.0",
        "tool_name": "refund",
        "tool_input": {"order": 7},
        "expires_at": asked["expires_at"],
    }
    assert (decided["type"], decided["payload"]) == (
        "approval_decided",
        {"approval_id": asked["id"], "status": "denied", "reason": "half of it"},
    )


async def test_a_second_answer_is_refused_and_told_the_first(
    client: httpx2.AsyncClient, desk: Desk
) -> None:
    (asked,) = await listed(client, await desk.asking(desk.key), desk.key)
    path, headers = f"/v1/approvals/{asked['id']}", desk.key.headers
    await client.post(path, json={"decision": "approved"}, headers=headers)
    again = await client.post(path, json={"decision": "denied"}, headers=headers)
    assert problem(again) == (409, "already_decided")
    assert "is approved already" in again.json()["detail"]


async def test_the_approval_of_a_cancelled_job_has_expired(
    client: httpx2.AsyncClient, desk: Desk
) -> None:
    job = await desk.asking(desk.key)
    await client.post(f"/v1/jobs/{job['id']}/cancel", headers=desk.key.headers)
    (asked,) = await listed(client, job, desk.key)
    assert asked["status"] == "expired"
    late = await client.post(
        f"/v1/approvals/{asked['id']}", json={"decision": "approved"}, headers=desk.key.headers
    )
    assert problem(late) == (409, "already_decided")


@pytest.mark.parametrize(
    "body", [{}, {"decision": "maybe"}, {"decision": "denied", "reason": "x" * 2_001}]
)
async def test_an_answer_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, desk: Desk, body: dict[str, Any]
) -> None:
    (asked,) = await listed(client, await desk.asking(desk.key), desk.key)
    answer = await client.post(f"/v1/approvals/{asked['id']}", json=body, headers=desk.key.headers)
    assert problem(answer) == (422, "invalid_request")


async def test_another_workspaces_approval_is_not_there(
    client: httpx2.AsyncClient, desk: Desk
) -> None:
    (asked,) = await listed(client, await desk.asking(desk.key), desk.key)
    stranger = await mint(desk.platform, await make_workspace(desk.platform, "other"))
    answer = await client.post(
        f"/v1/approvals/{asked['id']}", json={"decision": "approved"}, headers=stranger.headers
    )
    assert problem(answer) == (404, "approval_not_found")


async def test_a_fenced_key_answers_for_its_own_jobs_and_those_below_them(
    client: httpx2.AsyncClient, desk: Desk
) -> None:
    fenced = await mint(desk.platform, desk.workspace, fences=Fences(daily_cap_micros=1_000_000))
    (others,) = await listed(client, await desk.asking(desk.key), desk.key)
    own = await desk.asking(fenced)
    child = await desk.asking(fenced, below=own)
    answers = [
        await client.post(
            f"/v1/approvals/{asked['id']}", json={"decision": "approved"}, headers=fenced.headers
        )
        for asked in [*await listed(client, own, fenced), others]
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert [answer.json().get("job_id") for answer in answers[:2]] == [own["id"], child["id"]]


async def test_a_publishable_key_neither_reads_nor_answers(
    client: httpx2.AsyncClient, desk: Desk
) -> None:
    public = await mint(desk.platform, desk.workspace, kind="publishable")
    job = await desk.asking(public)
    (asked,) = await listed(client, job, desk.key)
    reading = await client.get(f"/v1/jobs/{job['id']}/approvals", headers=public.headers)
    answering = await client.post(
        f"/v1/approvals/{asked['id']}", json={"decision": "approved"}, headers=public.headers
    )
    for answer in (reading, answering):
        assert problem(answer) == (403, "key_kind_not_allowed")
