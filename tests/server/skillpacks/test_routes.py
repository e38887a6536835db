from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.deployments.routes import routes as deployment_routes
from puras.server.keys.fences import Fences
from puras.server.platform import Platform
from puras.server.skillpacks import store
from puras.server.skillpacks.routes import routes

from ..support import (
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
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes, deployment_routes) as opened:
        yield opened


@pytest.fixture
async def workspace(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def key(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace)


@pytest.fixture
async def stranger(platform: Platform) -> Minted:
    return await mint(platform, await make_workspace(platform, "other"))


async def create(client: httpx2.AsyncClient, key: Minted, **body: Any) -> httpx2.Response:
    return await client.post("/v1/skillpacks", json=body, headers=key.headers)


async def test_a_created_skillpack_is_shown_by_id_slug_and_path(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    answer = await create(client, key, name="Tools", slug="tools", description="d", public=True)
    assert answer.status_code == 201
    made = answer.json()
    assert {name: made[name] for name in made if name not in {"id", "created_at"}} == {
        "slug": "tools",
        "name": "Tools",
        "description": "d",
        "active_deployment_id": None,
        "public": True,
    }
    for reference in (made["id"], made["id"].upper(), "tools", "local%2Ftools"):
        shown = await client.get(f"/v1/skillpacks/{reference}", headers=key.headers)
        assert shown.json() == made


async def test_a_taken_slug_is_refused_in_its_workspace_only(
    client: httpx2.AsyncClient, key: Minted, stranger: Minted
) -> None:
    assert (await create(client, key, name="A", slug="tools")).status_code == 201
    assert problem(await create(client, key, name="B", slug="tools")) == (409, "slug_taken")
    assert (await create(client, stranger, name="C", slug="tools")).status_code == 201


@pytest.mark.parametrize("slug", ["", "Tools", "-a", "a b", "a" * 65, "a/b"])
async def test_a_bad_slug_is_refused(client: httpx2.AsyncClient, key: Minted, slug: str) -> None:
    answer = await create(client, key, name="A", slug=slug)
    assert problem(answer) == (422, "invalid_request")
    assert answer.json()["errors"][0]["path"] == "$.slug"


async def test_all_bad_fields_are_named_at_once(client: httpx2.AsyncClient, key: Minted) -> None:
    answer = await create(
        client, key, name=" ", slug="01a21063-bd7d-73e8-8e52-9ef20d3c9b1d", description="x" * 10_001
    )
    assert problem(answer) == (422, "invalid_request")
    assert [fault["path"] for fault in answer.json()["errors"]] == [
        "$.slug",
        "$.name",
        "$.description",
    ]


async def test_unknown_fields_are_refused(client: httpx2.AsyncClient, key: Minted) -> None:
    answer = await create(client, key, name="A", slug="a", colour="red")
    assert problem(answer) == (422, "unknown_field")


async def test_skillpacks_are_listed_newest_first_page_by_page(
    client: httpx2.AsyncClient, key: Minted, stranger: Minted
) -> None:
    await create(client, stranger, name="S", slug="s", public=True)
    for slug in ("a", "b", "c"):
        await create(client, key, name=slug, slug=slug)
    first = await client.get("/v1/skillpacks?limit=2", headers=key.headers)
    assert [pack["slug"] for pack in first.json()] == ["c", "b"]
    link = first.headers["link"]
    second = await client.get(link[1 : link.index(">")], headers=key.headers)
    assert [pack["slug"] for pack in second.json()] == ["a"]


async def test_what_a_patch_leaves_out_stays(client: httpx2.AsyncClient, key: Minted) -> None:
    made = (await create(client, key, name="A", slug="a", description="d")).json()
    answer = await client.patch(
        "/v1/skillpacks/a", json={"slug": "b", "public": True}, headers=key.headers
    )
    assert answer.json() == {**made, "slug": "b", "public": True}
    answer = await client.patch("/v1/skillpacks/b", json={"description": None}, headers=key.headers)
    assert answer.json()["description"] is None
    answer = await client.get("/v1/skillpacks/a", headers=key.headers)
    assert problem(answer) == (404, "skillpack_not_found")


async def test_a_patch_is_checked_like_a_new_one(client: httpx2.AsyncClient, key: Minted) -> None:
    for slug in ("a", "b"):
        await create(client, key, name=slug, slug=slug)
    for body, refusal in (
        ({"slug": "b"}, (409, "slug_taken")),
        ({"slug": "B"}, (422, "invalid_request")),
        ({"name": ""}, (422, "invalid_request")),
        ({"colour": "red"}, (422, "unknown_field")),
    ):
        answer = await client.patch("/v1/skillpacks/a", json=body, headers=key.headers)
        assert problem(answer) == refusal


async def test_a_deleted_skillpack_is_gone_and_its_slug_is_free(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    await create(client, key, name="A", slug="a")
    answer = await client.delete("/v1/skillpacks/a", headers=key.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        answer = await client.request(
            method, "/v1/skillpacks/a", json={} if method == "PATCH" else None, headers=key.headers
        )
        assert problem(answer) == (404, "skillpack_not_found")
    assert (await create(client, key, name="A", slug="a")).status_code == 201


async def test_another_workspace_s_skillpack_can_t_be_managed_and_is_read_if_public(
    client: httpx2.AsyncClient, platform: Platform, workspace: str, key: Minted, stranger: Minted
) -> None:
    await make_skillpack(platform, workspace, "hidden")
    await make_skillpack(platform, workspace, "shared", public=True)
    for reference, seen in (("local%2Fhidden", 404), ("local%2Fshared", 200), ("shared", 404)):
        path = f"/v1/skillpacks/{reference}"
        assert (await client.get(path, headers=stranger.headers)).status_code == seen
        for method, url in (
            ("PATCH", path),
            ("DELETE", path),
            ("GET", f"{path}/deployments"),
            ("POST", f"{path}/deployments"),
            ("POST", f"{path}/deployments/x/activate"),
            ("DELETE", f"{path}/deployments/x"),
        ):
            body = {} if method == "PATCH" else None
            answer = await client.request(method, url, json=body, headers=stranger.headers)
            assert problem(answer) == (404, "skillpack_not_found")
    assert len((await client.get("/v1/skillpacks", headers=key.headers)).json()) == 2


async def test_a_skillpack_called_deployments_is_no_riddle(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    made = (await create(client, key, name="D", slug="deployments")).json()
    for reference in ("deployments", "local%2Fdeployments"):
        shown = await client.get(f"/v1/skillpacks/{reference}", headers=key.headers)
        assert shown.json() == made
        listed = await client.get(f"/v1/skillpacks/{reference}/deployments", headers=key.headers)
        assert listed.json() == []


async def test_only_an_unfenced_key_manages_skillpacks(
    client: httpx2.AsyncClient, platform: Platform, workspace: str, key: Minted
) -> None:
    await create(client, key, name="A", slug="a")
    rated = await mint(platform, workspace, fences=Fences(rate_per_minute=9))
    public = await mint(platform, workspace, kind="publishable")
    for method, path in (
        ("POST", "/v1/skillpacks"),
        ("PATCH", "/v1/skillpacks/a"),
        ("DELETE", "/v1/skillpacks/a"),
        ("POST", "/v1/skillpacks/a/deployments"),
    ):
        answer = await client.request(method, path, json={}, headers=rated.headers)
        assert problem(answer) == (403, "key_fenced")
        answer = await client.request(method, path, json={}, headers=public.headers)
        assert problem(answer) == (403, "key_kind_not_allowed")
    assert (await client.get("/v1/skillpacks/a", headers=rated.headers)).status_code == 200


async def test_references_resolve_to_what_may_be_seen(
    platform: Platform, workspace: str, stranger: Minted
) -> None:
    hidden = await make_skillpack(platform, workspace, "hidden")
    shared = await make_skillpack(platform, workspace, "shared", public=True)
    other = await make_workspace(platform, "third")

    async def find(reference: str, *, seen_from: str) -> str | None:
        found = await platform.db.read(lambda tx: store.find(tx, reference, workspace_id=seen_from))
        return None if found is None else found.id

    for reference in (hidden, "hidden", "local/hidden", " /local/hidden/ "):
        assert await find(reference, seen_from=workspace) == hidden
        assert await find(reference, seen_from=other) is None
    for reference in (shared, "local/shared"):
        assert await find(reference, seen_from=other) == shared
    for reference in ("shared", "", "/", "local/", "a/b/c", "nobody/shared"):
        assert await find(reference, seen_from=other) is None
