"""One-off prompts: what their jobs are made of, where they run, and who may send them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.app import ROUTES
from puras.server.jobs import store
from puras.server.jobs.inline import INLINE, skill_of
from puras.server.keys.fences import AllowedSkill, Fences
from puras.wire import MAX_PROMPT_CHARACTERS

from ..support import Minted, make_workspace, mint, open_platform, problem, serving
from .bench import ECHO, Bench


@dataclass(frozen=True)
class Desk:
    """Serves requests and runs nothing."""

    bench: Bench
    key: Minted

    async def send(
        self, prompt: str = "Say hello", inputs: Any = None, key: Minted | None = None, **query: Any
    ) -> httpx2.Response:
        return await self.bench.client.post(
            "/v1/jobs",
            json={"prompt": prompt, "inputs": inputs or {}},
            headers=(key or self.key).headers,
            params=query,
        )

    async def sent(self, *args: Any, **query: Any) -> dict[str, Any]:
        answer = await self.send(*args, **query)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def mint(self, **more: Any) -> Minted:
        return await mint(self.bench.platform, await self.bench.workspace_id(), **more)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_platform(tmp_path) as platform, serving(platform, *ROUTES) as client:
        key = await mint(platform, await make_workspace(platform))
        client.headers.update(key.headers)
        yield Desk(Bench(platform, client), key)


async def test_a_prompt_is_an_agentic_job_of_no_skill(desk: Desk) -> None:
    job = await desk.sent("Say hello", {"to": "Ada"})
    assert (job["skill_name"], job["type"], job["skillpack"]) == (INLINE, "agentic", INLINE)
    assert (job["inputs"], job["status"], job["version"]) == ({"to": "Ada"}, "queued", 1)
    (row,) = await desk.bench.rows("SELECT prompt, wide_reach FROM jobs")
    assert (row["prompt"], row["wide_reach"]) == ("Say hello", 1)


async def test_the_longest_prompt_is_accepted(desk: Desk) -> None:
    await desk.sent("x" * MAX_PROMPT_CHARACTERS)


async def test_prompts_of_a_workspace_share_one_hidden_skillpack(desk: Desk) -> None:
    first, second = await desk.sent(), await desk.sent()
    assert first["skillpack_id"] == second["skillpack_id"]
    assert first["deployment_id"] == second["deployment_id"]
    stranger = await desk.bench.stranger()
    assert (await desk.sent(key=stranger))["skillpack_id"] != first["skillpack_id"]


async def test_first_prompts_at_the_same_time_make_one_skillpack(desk: Desk) -> None:
    jobs = await asyncio.gather(*(desk.sent() for _ in range(5)))
    assert len({job["deployment_id"] for job in jobs}) == 1
    assert len(await desk.bench.rows("SELECT id FROM skillpacks")) == 1


async def test_the_hidden_skillpack_is_neither_listed_nor_found(desk: Desk) -> None:
    job = await desk.sent()
    client = desk.bench.client
    assert (await client.get("/v1/skillpacks")).json() == []
    for reference in ("@inline", "%40inline", "local%2F@inline", job["skillpack_id"]):
        path = f"/v1/skillpacks/{reference}"
        for answer in (
            await client.get(path),
            await client.delete(path),
            await client.patch(path, json={"public": True}),
            await client.get(f"{path}/deployments"),
            await client.post(f"{path}/secrets", json={"name": "TOKEN", "value": "secret"}),
        ):
            assert answer.status_code in {404, 405}, (path, answer.text)
        assert (await client.get(path)).status_code == 404
    made = await client.post("/v1/skillpacks", json={"name": "x", "slug": "@inline"})
    assert problem(made) == (422, "invalid_request")


async def test_a_hidden_skillpack_s_bundle_is_an_empty_folder(desk: Desk) -> None:
    job = await desk.sent()
    (row,) = await desk.bench.rows(
        "SELECT sha256 FROM deployments WHERE id = :id", id=job["deployment_id"]
    )
    folder = await desk.bench.platform.bundles.unpacked(job["deployment_id"], row["sha256"])
    assert list(folder.iterdir()) == []


async def test_a_prompt_runs_beside_the_active_deployment_of_a_skillpack(desk: Desk) -> None:
    await desk.bench.deploy(ECHO)
    newest = await desk.bench.deploy(ECHO)
    job = await desk.sent(skillpack="pack")
    assert (job["skillpack"], job["deployment_id"]) == ("pack", newest["id"])
    assert (await desk.sent(skillpack="local/pack", version=1))["version"] == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"skillpack": "nothing"}, 404, "skill_not_found"),
        ({"skillpack": "other/open"}, 404, "skill_not_found"),
        ({"skillpack": "pack", "version": 9}, 404, "version_not_found"),
        ({"skillpack": "empty"}, 404, "no_active_deployment"),
        ({"version": 1}, 422, "invalid_request"),
    ],
)
async def test_where_a_prompt_can_not_run(
    desk: Desk, query: dict[str, Any], status: int, code: str
) -> None:
    await desk.bench.deploy(ECHO)
    stranger = await desk.bench.stranger()
    await desk.bench.deploy(ECHO, slug="open", public=True, headers=stranger.headers)
    await desk.bench.client.post("/v1/skillpacks", json={"name": "empty", "slug": "empty"})
    assert problem(await desk.send(**query)) == (status, code)


async def test_prompts_are_for_secret_keys_without_an_allowlist(desk: Desk) -> None:
    publishable = await desk.mint(kind="publishable")
    assert problem(await desk.send(key=publishable)) == (403, "key_kind_not_allowed")
    allowed = AllowedSkill("00000000-0000-7000-8000-000000000000", "echo", "pack/echo")
    narrow = await desk.mint(fences=Fences(skills=(allowed,)))
    assert problem(await desk.send(key=narrow)) == (403, "skill_not_allowed")


async def test_a_refused_prompt_makes_no_skillpack(desk: Desk) -> None:
    await desk.bench.alter("UPDATE workspaces SET balance_micros = 0")
    assert problem(await desk.send()) == (402, "insufficient_credits")
    assert await desk.bench.rows("SELECT id FROM skillpacks") == []


async def test_a_replay_sends_the_same_prompt_again(desk: Desk) -> None:
    await desk.bench.deploy(ECHO)
    for query in ({}, {"skillpack": "pack"}):
        job = await desk.sent("Say hello", {"to": "Ada"}, **query)
        answer = await desk.bench.client.post(f"/v1/jobs/{job['id']}/replay")
        assert answer.status_code == 201, answer.text
        again = answer.json()
        assert (again["inputs"], again["source"]) == ({"to": "Ada"}, "replay")
        assert again["deployment_id"] == job["deployment_id"]
    rows = await desk.bench.rows("SELECT prompt FROM jobs")
    assert [row["prompt"] for row in rows] == ["Say hello"] * 4


async def test_what_can_only_be_a_file_is_declared_as_one(desk: Desk) -> None:
    inputs = {
        "report": "uploads/k/report.pdf",
        "photo": {"drive_path": "shots/1.png"},
        "all": ["jobs/j/a.png", {"drive_path": "b.png"}],
        "text": "a report",
        "mixed": ["jobs/j/a.png", 1],
        "none": [],
    }
    job = await desk.sent("Look", inputs)
    row = await desk.bench.platform.db.read(lambda tx: store.get(tx, job["id"]))
    assert row is not None
    skill = skill_of(row, None)  # type: ignore[arg-type]
    assert json.loads(json.dumps(skill["input_schema"]["properties"])) == {
        "report": {"type": "file"},
        "photo": {"type": "file"},
        "all": {"type": "array", "items": {"type": "file"}},
    }
