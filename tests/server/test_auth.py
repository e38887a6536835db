from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from puras.server import auth
from puras.server.caller import Power
from puras.server.clock import SECOND, iso
from puras.server.endpoint import Call, Reply, Routes
from puras.server.keys import store, tokens
from puras.server.keys.fences import AllowedSkill, Fences
from puras.server.platform import Platform

from .support import (
    HandClock,
    Minted,
    make_workspace,
    mint,
    open_platform,
    problem,
    revoke,
    serving,
)

routes = Routes("who")
ALLOWLIST = (AllowedSkill("00000000-0000-7000-8000-000000000001", "skill", "pack/skill"),)


@routes.get("/v1/who", needs=Power.PUBLISHABLE)
async def who(call: Call) -> Reply:
    """Tell who calls."""
    return Reply({"key": call.caller.key_id, "workspace": call.caller.workspace})


@routes.get("/v1/narrow", needs=Power.NARROW)
@routes.get("/v1/limited", needs=Power.LIMITED)
@routes.get("/v1/full", needs=Power.FULL)
async def level(call: Call) -> Reply:
    """Answer a key of enough power."""
    return Reply(call.caller.power)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as client:
        yield client


@pytest.fixture
async def workspace_id(platform: Platform) -> str:
    return await make_workspace(platform)


async def test_a_good_key_is_known_with_its_workspace(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str
) -> None:
    key = await mint(platform, workspace_id)
    response = await client.get("/v1/who", headers=key.headers)
    assert response.json() == {"key": key.id, "workspace": "local"}
    response = await client.get("/v1/who", headers={"Authorization": f"bearer  {key.text} "})
    assert response.status_code == 200


async def test_every_bad_key_gets_the_same_answer(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id)
    revoked = await mint(platform, workspace_id)
    await revoke(platform, workspace_id, revoked)
    expired = await mint(platform, workspace_id, fences=Fences(expires_at=clock() + SECOND))
    clock.moment += SECOND
    bad = {
        "none": {},
        "another scheme": {"Authorization": f"Basic {key.text}"},
        "no text": {"Authorization": "Bearer"},
        "malformed": {"Authorization": "Bearer puras_live_short.key"},
        "unknown": {"Authorization": f"Bearer {tokens.mint('secret').text}"},
        "wrong secret": {
            "Authorization": f"Bearer {key.text[:-1]}{'a' if key.text[-1] != 'a' else 'b'}"
        },
        "another kind": {"Authorization": f"Bearer {key.text.replace('_live_', '_pub_')}"},
        "revoked": revoked.headers,
        "expired": expired.headers,
        "in a cookie": {"Cookie": f"Authorization=Bearer {key.text}; key={key.text}"},
    }
    answers = set()
    for headers in bad.values():
        response = await client.get("/v1/who", headers=headers)
        assert problem(response) == (401, "invalid_api_key")
        assert response.headers["www-authenticate"] == "Bearer"
        answers.add(response.json()["detail"])
    assert len(answers) == 1


async def test_a_key_expires_at_its_moment_and_not_before(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id, fences=Fences(expires_at=clock() + SECOND))
    clock.moment += SECOND - 1
    assert (await client.get("/v1/who", headers=key.headers)).status_code == 200
    clock.moment += 1
    assert (await client.get("/v1/who", headers=key.headers)).status_code == 401


@pytest.mark.parametrize(
    ("fences", "power"),
    [
        (Fences(), Power.FULL),
        (Fences(rate_per_minute=1), Power.LIMITED),
        (Fences(concurrency=1), Power.LIMITED),
        (Fences(expires_at=2**52), Power.LIMITED),
        (Fences(daily_cap_micros=0), Power.NARROW),
        (Fences(skills=ALLOWLIST), Power.NARROW),
        (Fences(skills=ALLOWLIST, rate_per_minute=1), Power.NARROW),
    ],
)
async def test_each_fence_of_a_secret_key_takes_power_from_it(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str, fences: Fences, power: Power
) -> None:
    key = await mint(platform, workspace_id, fences=fences)
    for path, needs in [
        ("/v1/who", Power.PUBLISHABLE),
        ("/v1/narrow", Power.NARROW),
        ("/v1/limited", Power.LIMITED),
        ("/v1/full", Power.FULL),
    ]:
        response = await client.get(path, headers=key.headers)
        if power >= needs:
            assert response.status_code == 200
        else:
            assert problem(response) == (403, "key_fenced")


async def test_a_publishable_key_is_told_to_be_of_the_wrong_kind(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str
) -> None:
    key = await mint(platform, workspace_id, kind="publishable")
    assert (await client.get("/v1/who", headers=key.headers)).status_code == 200
    for path in ("/v1/narrow", "/v1/limited", "/v1/full"):
        response = await client.get(path, headers=key.headers)
        assert problem(response) == (403, "key_kind_not_allowed")


async def test_a_page_that_is_not_listed_is_refused_on_reads_too(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str
) -> None:
    fences = Fences(allowed_origins=("https://shop.example", "http://localhost:3000"))
    key = await mint(platform, workspace_id, kind="publishable", fences=fences)
    for origin in ("https://shop.example", "http://localhost:3000", None):
        headers = key.headers | ({"Origin": origin} if origin else {})
        assert (await client.get("/v1/who", headers=headers)).status_code == 200
    for origin in (
        "https://shop.example:8443",
        "http://shop.example",
        "https://x.shop.example",
        "null",
    ):
        response = await client.get("/v1/who", headers={**key.headers, "Origin": origin})
        assert problem(response) == (403, "origin_not_allowed")
        assert response.headers["access-control-allow-origin"] == "*"


async def test_the_origin_comes_before_the_power(
    client: httpx2.AsyncClient, platform: Platform, workspace_id: str
) -> None:
    fences = Fences(allowed_origins=("https://shop.example",))
    key = await mint(platform, workspace_id, kind="publishable", fences=fences)
    headers = {**key.headers, "Origin": "https://evil.example"}
    response = await client.get("/v1/full", headers=headers)
    assert problem(response) == (403, "origin_not_allowed")


async def last_used(platform: Platform, workspace_id: str, key: Minted) -> str | None:
    shown = await platform.db.read(
        lambda tx: store.get(tx, workspace_id=workspace_id, key_id=key.id, now=platform.clock())
    )
    return shown["last_used_at"]


async def test_a_request_notes_the_keys_last_use(
    platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id)
    assert await last_used(platform, workspace_id, key) is None
    async with serving(platform, routes) as client:
        await client.get("/v1/full", headers=key.headers)
    assert await last_used(platform, workspace_id, key) == iso(clock())


async def test_the_last_use_is_written_at_most_once_a_minute(
    platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id)
    last_use = auth.LastUse(platform)
    credential = await platform.db.read(lambda tx: store.find_caller(tx, key.text[11:19]))
    assert credential is not None
    written = []
    for seconds in (0, 59, 1):
        clock.moment += seconds * SECOND
        last_use.note(credential.caller)
        await last_use.close()
        written.append(await last_used(platform, workspace_id, key))
    assert written[0] == written[1] != written[2]


async def test_a_key_that_was_revoked_is_no_longer_valid_for_an_open_stream(
    platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    key = await mint(platform, workspace_id, fences=Fences(expires_at=clock() + 9 * SECOND))
    found = await platform.db.read(lambda tx: store.find_caller(tx, key.text[11:19]))
    assert found is not None
    assert await auth.still_valid(platform, found.caller)
    clock.moment += 9 * SECOND
    assert not await auth.still_valid(platform, found.caller)
    clock.moment -= 9 * SECOND
    await revoke(platform, workspace_id, key)
    assert not await auth.still_valid(platform, found.caller)


async def install(platform: Platform, workspace_id: str, text: str) -> str:
    return await platform.db.write(
        lambda tx: store.install(
            tx,
            tokens.required(text),
            workspace_id=workspace_id,
            origin="required",
            name="--require-key",
            now=platform.clock(),
        )
    )


async def test_a_required_token_that_is_no_key_counts_on_this_machine_only(tmp_path: Path) -> None:
    async with open_platform(tmp_path, require_key="open sesame") as platform:
        await install(platform, await make_workspace(platform), "open sesame")
        async with serving(platform, routes) as client:
            client.headers["Authorization"] = "Bearer open sesame"
            for origin in (None, "http://localhost:5173", "http://127.0.0.1", "http://[::1]:80"):
                headers = {"Origin": origin} if origin else {}
                assert (await client.get("/v1/full", headers=headers)).status_code == 200
            for origin in (
                "https://evil.example",
                "http://localhost.evil.example",
                "http://127.0.0.1.evil.example",
                "http://127.evil.example.com",
                "http://[::1",
                "null",
            ):
                response = await client.get("/v1/full", headers={"Origin": origin})
                assert problem(response) == (401, "invalid_api_key")
            client.headers["Authorization"] = "Bearer open sesame!"
            assert problem(await client.get("/v1/full")) == (401, "invalid_api_key")


async def test_a_required_token_that_is_no_key_counts_for_nothing_on_a_public_address(
    tmp_path: Path,
) -> None:
    async with open_platform(tmp_path, require_key="open sesame", host="0.0.0.0") as platform:
        await install(platform, await make_workspace(platform), "open sesame")
        async with serving(platform, routes) as client:
            headers = {"Authorization": "Bearer open sesame"}
            response = await client.get("/v1/who", headers=headers)
            assert problem(response) == (401, "invalid_api_key")


async def test_a_required_token_counts_for_nothing_once_the_server_runs_without_it(
    platform: Platform, workspace_id: str
) -> None:
    await install(platform, workspace_id, "open sesame")
    async with serving(platform, routes) as client:
        response = await client.get("/v1/who", headers={"Authorization": "Bearer open sesame"})
        assert problem(response) == (401, "invalid_api_key")


async def test_a_required_key_that_is_well_formed_counts_everywhere(tmp_path: Path) -> None:
    text = tokens.mint("secret").text
    async with open_platform(tmp_path, require_key=text, host="0.0.0.0") as platform:
        await install(platform, await make_workspace(platform), text)
        async with serving(platform, routes) as client:
            headers = {"Authorization": f"Bearer {text}", "Origin": "https://any.example"}
            assert (await client.get("/v1/full", headers=headers)).status_code == 200
