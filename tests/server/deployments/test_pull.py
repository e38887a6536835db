"""Getting a bundle back, by a URL that needs no key and expires."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from puras.server.clock import SECOND, new_id
from puras.server.deployments.pull import routes as pull_routes
from puras.server.deployments.routes import routes
from puras.server.drive.routes import routes as drive_routes
from puras.server.drive.store import DriveFile
from puras.server.platform import Platform
from puras.server.skillpacks.routes import routes as skillpack_routes

from ..support import HandClock, Minted, make_workspace, mint, open_platform, problem, serving
from .conftest import bundle

PULL = "/v1/skillpacks/tools/deployments/pull"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes, pull_routes, skillpack_routes, drive_routes) as opened:
        yield opened


@pytest.fixture
async def versions(client: httpx2.AsyncClient, key: Minted, pack: str) -> list[bytes]:
    """Two versions, of which the second is active."""
    archives = [bundle(note="one"), bundle(note="two")]
    for archive in archives:
        answer = await client.post(
            f"/v1/skillpacks/{pack}/deployments",
            files={"bundle": ("b.zip", archive)},
            headers=key.headers,
        )
        assert answer.status_code == 201, answer.text
    return archives


def path_of(url: str) -> str:
    return urlsplit(url).path


async def test_the_active_version_or_the_one_asked_for_is_given_without_a_key(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, versions: list[bytes]
) -> None:
    for query, number in (({}, 2), ({"version": "1"}, 1)):
        pulled = (await client.get(PULL, params=query, headers=key.headers)).json()
        assert set(pulled) == {"download_url", "version"}
        assert pulled["version"] == number
        assert pulled["download_url"].startswith(platform.settings.public_url)
        answer = await client.get(path_of(pulled["download_url"]))
        assert answer.content == versions[number - 1]
        assert answer.headers["content-type"] == "application/zip"


async def test_the_url_is_good_for_as_long_as_was_asked(
    client: httpx2.AsyncClient, key: Minted, versions: list[bytes], clock: HandClock
) -> None:
    for query, seconds in (({}, 600), ({"ttl": "30"}, 30)):
        pulled = (await client.get(PULL, params=query, headers=key.headers)).json()
        path = path_of(pulled["download_url"])
        clock.moment += (seconds - 1) * SECOND
        assert (await client.get(path)).status_code == 200
        clock.moment += 2 * SECOND
        assert problem(await client.get(path)) == (403, "bad_signature")


@pytest.mark.parametrize(
    "query", [{"ttl": "29"}, {"ttl": "2592001"}, {"ttl": "x"}, {"version": "0"}]
)
async def test_a_parameter_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, key: Minted, versions: list[bytes], query: dict[str, str]
) -> None:
    answer = await client.get(PULL, params=query, headers=key.headers)
    assert problem(answer) == (422, "invalid_request")


async def test_a_changed_url_and_one_of_another_kind_are_refused(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, versions: list[bytes]
) -> None:
    pulled = (await client.get(PULL, headers=key.headers)).json()
    path = path_of(pulled["download_url"])
    signed, _, name = path.removeprefix("/v1/bundles/").partition("/")
    file = DriveFile("@bundle", name[:-4], size_bytes=1, mime="text/plain", blob="b", created_at=0)
    drive = path_of(await platform.signer.url(file, ttl=60))
    for changed in (
        f"/v1/bundles/{signed}/{new_id()}.zip",
        f"/v1/bundles/9{signed}/{name}",
        f"/v1/bundles/{signed}/{name}/x",
        "/v1/bundles/x",
        drive.replace("/v1/files/", "/v1/bundles/"),
        path.replace("/v1/bundles/", "/v1/files/"),
    ):
        assert problem(await client.get(changed)) == (403, "bad_signature"), changed


async def test_what_there_is_not_can_not_be_pulled(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    assert problem(await client.get(PULL, headers=key.headers)) == (404, "no_active_deployment")
    answer = await client.get(PULL, params={"version": "7"}, headers=key.headers)
    assert problem(answer) == (404, "version_not_found")
    other = PULL.replace("tools", "nowhere")
    assert problem(await client.get(other, headers=key.headers)) == (404, "skillpack_not_found")


async def test_a_version_that_was_deleted_after_its_url_was_made_is_gone(
    client: httpx2.AsyncClient, key: Minted, versions: list[bytes]
) -> None:
    pulled = (await client.get(PULL, params={"version": "1"}, headers=key.headers)).json()
    listed = await client.get("/v1/skillpacks/tools/deployments", headers=key.headers)
    path = f"/v1/skillpacks/tools/deployments/{listed.json()[1]['id']}"
    assert (await client.delete(path, headers=key.headers)).status_code == 204
    answer = await client.get(path_of(pulled["download_url"]))
    assert problem(answer) == (404, "deployment_not_found")


async def test_a_public_skillpack_is_pulled_by_its_own_workspace_only(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, versions: list[bytes]
) -> None:
    await client.patch("/v1/skillpacks/tools", json={"public": True}, headers=key.headers)
    stranger = await mint(platform, await make_workspace(platform, "other"))
    answer = await client.get(PULL.replace("tools", "local%2Ftools"), headers=stranger.headers)
    assert problem(answer) == (404, "skillpack_not_found")
