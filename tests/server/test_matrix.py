"""Every kind of key against every operation, as the OpenAPI document lists them.

Allowed means: the answer is none of those that the key itself is to blame for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.app import ROUTES
from puras.server.caller import Power
from puras.server.clock import DAY, SECOND, new_id
from puras.server.keys.fences import AllowedSkill, Fences
from puras.server.openapi import document
from puras.server.platform import Platform
from puras.wire import KeyKind

from .support import (
    HandClock,
    make_skillpack,
    make_workspace,
    mint,
    open_platform,
    problem,
    revoke,
    serving,
)


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    needs: Power | None
    multipart: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def _operations() -> list[Operation]:
    paths = document(endpoint for routes in ROUTES for endpoint in routes.endpoints)["paths"]
    return [
        Operation(
            method.upper(),
            path,
            needs=None if (needs := described["x-puras-needs"]) is None else Power[needs.upper()],
            multipart="multipart/form-data" in described.get("requestBody", {}).get("content", {}),
        )
        for path, methods in paths.items()
        for method, described in methods.items()
    ]


OPERATIONS = _operations()
PARAMETERS = (
    *("job_id", "key_id", "deployment_id", "ref", "path", "signed", "budget_id", "name"),
    *("workspace", "skillpack", "skill", "approval_id", "eval_id", "session_id"),
)
ALLOWLIST = (AllowedSkill(new_id(), "skill", "pack/skill"),)
KEYS: Mapping[str, tuple[KeyKind, Fences, Power]] = {
    "publishable": ("publishable", Fences(), Power.PUBLISHABLE),
    "publishable with an allowlist": ("publishable", Fences(ALLOWLIST), Power.PUBLISHABLE),
    "publishable with a cap": ("publishable", Fences(daily_cap_micros=1), Power.PUBLISHABLE),
    "secret with a cap": ("secret", Fences(daily_cap_micros=1), Power.NARROW),
    "secret with an allowlist": ("secret", Fences(ALLOWLIST), Power.NARROW),
    "secret with a rate only": ("secret", Fences(rate_per_minute=9), Power.LIMITED),
    "secret with an expiry only": ("secret", Fences(expires_at=2**52), Power.LIMITED),
    "secret without any fence": ("secret", Fences(), Power.FULL),
}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, *ROUTES) as client:
        yield client


@pytest.fixture
async def workspace_id(platform: Platform) -> str:
    return await make_workspace(platform)


async def call(
    client: httpx2.AsyncClient,
    operation: Operation,
    headers: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
    body: Any = None,
) -> httpx2.Response:
    """Do an operation on things that do not exist, or on those that `names` has."""
    path = operation.path
    for name in PARAMETERS:
        path = path.replace(f"{{{name}}}", (names or {}).get(name, new_id()))
    assert "{" not in path, f"fill in {path}"
    if operation.multipart:
        field = "bundle" if "deployments" in path else "file"
        files = {field: ("a.zip", b"no zip")} if body is None else body
        return await client.request(operation.method, path, headers=headers, files=files)
    sends = operation.method in {"POST", "PATCH", "PUT"}
    json = (body or {}) if sends else None
    return await client.request(operation.method, path, headers=headers, json=json)


def blamed_code(response: httpx2.Response) -> str | None:
    """Return the code of an answer that blames the key or the server, else None."""
    if response.status_code < 400 or "jsonrpc" in response.json():
        return None  # what JSON-RPC refuses, it refuses in its own words
    status, code = problem(response)
    blames = code in {"invalid_api_key", "key_kind_not_allowed", "key_fenced"} or status >= 500
    return code if blames else None


def expected_code(operation: Operation, kind: KeyKind, power: Power) -> str | None:
    if operation.needs is None or power >= operation.needs:
        return None
    return "key_kind_not_allowed" if kind == "publishable" else "key_fenced"


def test_the_matrix_has_every_operation() -> None:
    assert len(OPERATIONS) == sum(len(routes.endpoints) for routes in ROUTES)
    open_to_all = {operation.path for operation in OPERATIONS if operation.needs is None}
    assert open_to_all == {
        "/metrics",  # for the operator's token, which is no key
        "/",
        "/health",
        "/ready",
        "/v1/files/{signed}",
        "/v1/bundles/{signed}",
        "/v1/skills/{workspace}/{skillpack}/{skill}",
        "/session",
        "/session/token",
        "/session/{session_id}",
    }


@pytest.mark.parametrize("name", KEYS)
async def test_a_key_may_do_what_its_power_covers_and_nothing_else(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, name: str
) -> None:
    kind, fences, power = KEYS[name]
    key = await mint(platform, workspace_id, kind=kind, fences=fences)
    expected = {each.name: expected_code(each, kind, power) for each in OPERATIONS}
    got = {each.name: blamed_code(await call(client, each, key.headers)) for each in OPERATIONS}
    assert got == expected


@pytest.mark.parametrize("name", ["none", "revoked", "expired"])
async def test_without_a_good_key_every_operation_that_asks_for_one_is_refused(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, clock: HandClock, name: str
) -> None:
    expiry = Fences(expires_at=clock() + SECOND)
    key = await mint(platform, workspace_id, fences=expiry if name == "expired" else Fences())
    if name == "revoked":
        await revoke(platform, workspace_id, key)
    clock.moment += DAY
    headers = {} if name == "none" else key.headers
    for operation in OPERATIONS:
        response = await call(client, operation, headers)
        expected = None if operation.needs is None else "invalid_api_key"
        assert blamed_code(response) == expected, operation.name


@dataclass(frozen=True)
class Things:
    """One of each thing that a workspace has, by the names of the path parameters."""

    names: Mapping[str, str]


@pytest.fixture
async def things(client: httpx2.AsyncClient, platform: Platform, workspace_id: str) -> Things:
    key = await mint(platform, workspace_id)
    pack_id = await make_skillpack(platform, workspace_id, "pack", skills=["greet"])
    deployments = await client.get(f"/v1/skillpacks/{pack_id}/deployments", headers=key.headers)
    job = await client.post("/v1/jobs", headers=key.headers, json={"skill": "pack/greet"})
    assert job.status_code == 201, job.text
    uploaded = await client.post(
        "/v1/drive/upload",
        headers=key.headers,
        files={"file": ("a.txt", b"hello")},
        data={"path": "notes/a.txt"},
    )
    assert uploaded.status_code in {200, 201}, uploaded.text
    secret = {"name": "TOKEN", "value": "a-secret-value"}
    put = await client.put(f"/v1/skillpacks/{pack_id}/secrets", headers=key.headers, json=secret)
    assert put.status_code == 200, put.text
    terms = {"scope": "workspace", "window": "day", "limit_usd": 5}
    budget = await client.post("/v1/budgets", headers=key.headers, json=terms)
    assert budget.status_code == 201, budget.text
    names = {
        "budget_id": budget.json()["id"],
        "name": "TOKEN",
        "key_id": key.id,
        "ref": pack_id,
        "deployment_id": deployments.json()[0]["id"],
        "job_id": job.json()["id"],
        "path": "notes/a.txt",
    }
    return Things(names)


BODIES: Mapping[str, Any] = {
    "PATCH /v1/keys/{key_id}": {"name": "mine"},
    "PATCH /v1/skillpacks/{ref}": {"name": "mine"},
    "POST /v1/jobs/{job_id}/feedback": {"rating": 1},
    "POST /v1/drive/sign": {"path": "notes/a.txt"},
    "PUT /v1/skillpacks/{ref}/secrets": {"name": "TOKEN", "value": "another-value"},
    "PATCH /v1/budgets/{budget_id}": {"limit_usd": 1},
    "POST /v1/skillpacks/{ref}/evals": {"skill": "greet"},
}
NOT_FOUND = {
    "job_id": "job_not_found",
    "key_id": "key_not_found",
    "ref": "skillpack_not_found",
    "budget_id": "budget_not_found",
    "eval_id": "eval_not_found",
    "path": "file_not_found",
}


@pytest.mark.parametrize("kind", ["secret", "publishable"])
async def test_the_things_of_another_workspace_do_not_exist(
    client: httpx2.AsyncClient, platform: Platform, things: Things, kind: KeyKind
) -> None:
    other = await make_workspace(platform, "other")
    stranger = await mint(platform, other, kind=kind)
    for operation in OPERATIONS:
        missing = next(
            (NOT_FOUND[name] for name in NOT_FOUND if f"{{{name}}}" in operation.path), None
        )
        if missing is None or (kind == "publishable" and operation.needs != Power.PUBLISHABLE):
            continue
        response = await call(
            client, operation, stranger.headers, names=things.names, body=BODIES.get(operation.name)
        )
        assert problem(response) == (404, missing), operation.name


async def test_lists_show_nothing_of_another_workspace(
    client: httpx2.AsyncClient, platform: Platform, things: Things
) -> None:
    stranger = await mint(platform, await make_workspace(platform, "other"))
    for path, own in [
        ("/v1/jobs", 0),
        ("/v1/jobs?skillpack=local/pack", None),
        ("/v1/keys", 1),
        ("/v1/skillpacks", 0),
        ("/v1/drive", 0),
        ("/v1/budgets", 0),
    ]:
        response = await client.get(path, headers=stranger.headers)
        if own is None:
            assert response.status_code == 404 or response.json() == []
        else:
            assert len(response.json()) == own, path


@pytest.mark.parametrize("skill", ["local/pack/greet", "pack/greet"])
async def test_a_private_skill_of_another_workspace_does_not_exist(
    client: httpx2.AsyncClient, platform: Platform, things: Things, skill: str
) -> None:
    stranger = await mint(platform, await make_workspace(platform, "other"))
    response = await client.post("/v1/jobs", headers=stranger.headers, json={"skill": skill})
    assert problem(response) == (404, "skill_not_found")


async def test_a_file_of_another_workspace_can_not_be_signed(
    client: httpx2.AsyncClient, platform: Platform, things: Things
) -> None:
    stranger = await mint(platform, await make_workspace(platform, "other"))
    body = {"path": things.names["path"]}
    response = await client.post("/v1/drive/sign", headers=stranger.headers, json=body)
    assert problem(response) == (404, "file_not_found")


async def test_a_publishable_key_sees_only_the_jobs_it_submitted(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, things: Things
) -> None:
    key = await mint(platform, workspace_id, kind="publishable")
    mine = await client.post("/v1/jobs", headers=key.headers, json={"skill": "pack/greet"})
    assert mine.status_code == 201
    for path in ("", "/events", "/stream", "/cancel", "/feedback"):
        method = "POST" if path in {"/cancel", "/feedback"} else "GET"
        response = await client.request(
            method,
            f"/v1/jobs/{things.names['job_id']}{path}",
            headers=key.headers,
            json={"rating": 1} if path == "/feedback" else None,
        )
        assert problem(response) == (404, "job_not_found"), path
    assert (
        await client.get(f"/v1/jobs/{mine.json()['id']}", headers=key.headers)
    ).status_code == 200
