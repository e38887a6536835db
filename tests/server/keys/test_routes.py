from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.clock import DAY, iso
from puras.server.db.queries import Query
from puras.server.keys import store
from puras.server.keys.fences import Fences
from puras.server.keys.routes import routes
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

RENAME = Query("rename", "UPDATE skillpacks SET slug = 'renamed' WHERE id = :id")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as platform:
        yield platform


@pytest.fixture
async def workspace_id(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def full(platform: Platform, workspace_id: str) -> Minted:
    return await mint(platform, workspace_id, name="full")


@pytest.fixture
async def client(platform: Platform, full: Minted) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as client:
        client.headers.update(full.headers)
        yield client


async def post(
    client: httpx2.AsyncClient, body: Mapping[str, Any], **headers: str
) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(
        "/v1/keys", json={"name": "k", "kind": "secret", **body}, headers=named
    )


async def test_a_minted_key_is_shown_once_and_works(client: httpx2.AsyncClient) -> None:
    response = await post(client, {"name": "ci"})
    assert response.status_code == 201
    minted = response.json()
    assert minted["key"].startswith(f"puras_live_{minted['prefix']}.")
    assert minted["skills"] == "all"
    headers = {"Authorization": f"Bearer {minted['key']}"}
    listed = (await client.get("/v1/keys", headers=headers)).json()
    assert [key["name"] for key in listed] == ["ci", "full"]
    assert all("key" not in key for key in listed)
    assert {**listed[0], "last_used_at": None} == {
        name: value for name, value in minted.items() if name != "key"
    }


async def test_every_fence_comes_back_as_it_was_set(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    await make_skillpack(platform, workspace_id, "pack", skills=["one", "two"])
    fences = {
        "kind": "publishable",
        "skills": ["pack/two", "local/pack/one", " pack/one/ "],
        "daily_cap_usd": 0.25,
        "rate_per_minute": 5,
        "allowed_origins": ["https://Shop.example:443"],
        "expires_at": iso(clock() + DAY),
    }
    minted = (await post(client, fences)).json()
    assert minted["key"].startswith("puras_pub_")
    shown = (await client.get(f"/v1/keys/{minted['id']}")).json()
    for row in (minted, shown):
        assert row["skills"] == ["local/pack/one", "pack/two"]
        assert row["daily_cap_usd"] == 0.25
        assert row["rate_per_minute"] == 5
        assert row["allowed_origins"] == ["https://shop.example"]
        assert row["expires_at"] == iso(clock() + DAY)
        assert (row["spent_today_micros"], row["revoked_at"]) == (0, None)


async def test_an_allowlist_holds_on_to_the_skillpacks_id(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str
) -> None:
    pack_id = await make_skillpack(platform, workspace_id, "pack", skills=["one"])
    minted = (await post(client, {"skills": ["pack/one"]})).json()
    await platform.db.write(lambda tx: tx.run(RENAME, id=pack_id))
    found = await platform.db.read(lambda tx: store.find_caller(tx, minted["prefix"]))
    assert found is not None
    assert found.caller.skills == {(pack_id, "one")}


async def test_an_allowlist_may_name_public_skills_of_others(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    other = await make_workspace(platform, "other")
    await make_skillpack(platform, other, "open", skills=["run"], public=True)
    response = await post(client, {"kind": "publishable", "skills": ["other/open/run"]})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("pack/oen", "did you mean 'one'?"),
        ("pack/zzz", "deploy it first"),
        ("pack/one/sub", "no skillpack 'pack/one'"),
        ("nopack/one", "no skillpack 'nopack'"),
        ("one", "write skillpack/skill"),
        ("other/secret/run", "no skillpack 'other/secret'"),
        ("a//b", "is no skill path"),
        ("", "is no skill path"),
    ],
)
async def test_an_allowlist_names_only_skills_that_may_be_run(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, path: str, message: str
) -> None:
    await make_skillpack(platform, workspace_id, "pack", skills=["one", "one/sub"])
    other = await make_workspace(platform, "other")
    await make_skillpack(platform, other, "secret", skills=["run"])
    response = await post(client, {"skills": ["pack/one", path]})
    assert problem(response) == (422, "invalid_request")
    (fault,) = response.json()["errors"]
    assert fault["path"] == "$.skills[1]"
    assert message in fault["message"]


@pytest.mark.parametrize("skills", [[], ["pack/one"] * 201])
async def test_an_allowlist_names_one_to_two_hundred_skills(
    client: httpx2.AsyncClient, skills: list[str]
) -> None:
    response = await post(client, {"skills": skills})
    assert problem(response) == (422, "invalid_request")


async def test_all_faults_are_named_at_once_and_nothing_is_kept(
    client: httpx2.AsyncClient,
) -> None:
    body = {"name": "", "skills": ["a/b"], "rate_per_minute": 0, "allowed_origins": ["x"]}
    response = await post(client, body, idempotency_key="again")
    assert problem(response) == (422, "invalid_request")
    assert [fault["path"] for fault in response.json()["errors"]] == [
        "$.name",
        "$.rate_per_minute",
        "$.allowed_origins",
        "$.skills[0]",
    ]
    assert len((await client.get("/v1/keys")).json()) == 1
    assert (await post(client, {}, idempotency_key="again")).status_code == 201


async def test_an_unknown_field_or_kind_is_refused(client: httpx2.AsyncClient) -> None:
    assert problem(await post(client, {"daily_cap": 1})) == (422, "unknown_field")
    assert problem(await post(client, {"kind": "admin"})) == (422, "invalid_request")
    assert problem(await post(client, {"skills": "some"})) == (422, "invalid_request")


async def test_a_repeated_mint_gives_the_same_row_without_the_key(
    client: httpx2.AsyncClient,
) -> None:
    first = await post(client, {}, idempotency_key="once")
    again = await post(client, {}, idempotency_key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert "key" not in again.json()
    assert again.json()["id"] == first.json()["id"]
    other = await post(client, {"name": "other"}, idempotency_key="once")
    assert problem(other) == (422, "idempotency_mismatch")


async def test_of_twins_at_the_same_moment_one_mints(client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(client, {}, idempotency_key="twin") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("key" in answer.json() for answer in answers) == 1


async def test_a_change_moves_what_it_names_and_leaves_the_rest(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str
) -> None:
    await make_skillpack(platform, workspace_id, "pack", skills=["one"])
    fences = {"skills": ["pack/one"], "daily_cap_usd": 1, "rate_per_minute": 5, "concurrency": 3}
    minted = (await post(client, fences)).json()
    url = f"/v1/keys/{minted['id']}"
    renamed = (await client.patch(url, json={"name": "new", "daily_cap_usd": 0})).json()
    assert renamed == {
        **{name: value for name, value in minted.items() if name != "key"},
        "name": "new",
        "daily_cap_usd": 0,
    }
    opened = (await client.patch(url, json={"skills": "all", "daily_cap_usd": None})).json()
    assert (opened["skills"], opened["daily_cap_usd"]) == ("all", None)
    assert opened["rate_per_minute"] == 5
    closed = (await client.patch(url, json={"skills": ["pack/one"]})).json()
    assert closed["skills"] == ["pack/one"]


async def test_a_change_that_makes_no_sense_changes_nothing(client: httpx2.AsyncClient) -> None:
    minted = (await post(client, {"rate_per_minute": 5})).json()
    url = f"/v1/keys/{minted['id']}"
    for body, code in [
        ({"rate_per_minute": 9, "name": ""}, "invalid_request"),
        ({"allowed_origins": ["https://a.example"]}, "invalid_request"),
        ({"name": None}, "invalid_request"),
        ({"kind": "publishable"}, "unknown_field"),
    ]:
        assert problem(await client.patch(url, json=body)) == (422, code)
    assert (await client.get(url)).json()["rate_per_minute"] == 5


async def test_a_revoked_key_is_refused_at_once_and_kept_for_the_record(
    client: httpx2.AsyncClient, clock: HandClock
) -> None:
    minted = (await post(client, {})).json()
    url = f"/v1/keys/{minted['id']}"
    assert (await client.delete(url)).status_code == 204
    headers = {"Authorization": f"Bearer {minted['key']}"}
    assert problem(await client.get("/v1/keys", headers=headers)) == (401, "invalid_api_key")
    revoked_at = (await client.get(url)).json()["revoked_at"]
    clock.moment += DAY
    assert (await client.delete(url)).status_code == 204
    assert (await client.get(url)).json()["revoked_at"] == revoked_at


async def test_a_key_can_revoke_itself(client: httpx2.AsyncClient, full: Minted) -> None:
    assert (await client.delete(f"/v1/keys/{full.id}")).status_code == 204
    assert problem(await client.get("/v1/keys")) == (401, "invalid_api_key")


async def test_keys_of_another_workspace_do_not_exist(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    other = await mint(platform, await make_workspace(platform, "other"))
    url = f"/v1/keys/{other.id}"
    for answer in (
        await client.get(url),
        await client.patch(url, json={"name": "mine"}),
        await client.delete(url),
        await client.get("/v1/keys/nonsense"),
    ):
        assert problem(answer) == (404, "key_not_found")
    listed = (await client.get("/v1/keys")).json()
    assert other.id not in {key["id"] for key in listed}
    assert len((await client.get("/v1/keys", headers=other.headers)).json()) == 1


@pytest.mark.parametrize(
    "fences",
    [
        Fences(rate_per_minute=1),
        Fences(concurrency=1),
        Fences(daily_cap_micros=1),
        Fences(expires_at=2**52),
    ],
)
async def test_a_fenced_key_can_not_widen_itself(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, fences: Fences
) -> None:
    fenced = await mint(platform, workspace_id, fences=fences)
    url = f"/v1/keys/{fenced.id}"
    body = {"rate_per_minute": None}
    answer = await client.patch(url, headers=fenced.headers, json=body)
    assert problem(answer) == (403, "key_fenced")
    answer = await client.post("/v1/keys", headers=fenced.headers, json={})
    assert problem(answer) == (403, "key_fenced")


async def test_keys_are_listed_page_by_page_newest_first(client: httpx2.AsyncClient) -> None:
    for number in range(4):
        await post(client, {"name": str(number)})
    first = await client.get("/v1/keys?limit=3")
    assert [key["name"] for key in first.json()] == ["3", "2", "1"]
    rest = await client.get(first.links["next"]["url"])
    assert [key["name"] for key in rest.json()] == ["0", "full"]
    assert "link" not in rest.headers
