"""Signing in, from the cookie to the last token, as a browser would do it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from puras.server.app import ROUTES
from puras.server.clock import DAY, SECOND
from puras.server.db.queries import Query
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.keys.fences import Fences
from puras.server.platform import Platform
from puras.server.sessions import store
from puras.wire import (
    LINK_SECONDS,
    MAX_SESSION_TOKENS,
    MAX_SIGN_IN_FAILURES,
    SESSION_SECONDS,
    SESSION_TOKEN_SECONDS,
)

from ..support import HandClock, Minted, make_workspace, mint, open_platform, problem, serving

PUBLIC = "https://puras.example"
OWN = {"Origin": PUBLIC, "Content-Type": "application/json"}
ALL_ROWS = Query("all_rows", "SELECT * FROM sessions")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock, public_url=PUBLIC) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, *ROUTES) as opened:
        yield opened


@pytest.fixture
async def workspace_id(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def key(platform: Platform, workspace_id: str) -> Minted:
    return await mint(platform, workspace_id)


class Browser:
    """Keeps the cookie as a browser does, and sends it only where its path says."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.cookie = ""

    async def send(
        self, method: str, path: str = "/session", *, json: object = None, **headers: str
    ) -> httpx2.Response:
        sent = OWN | headers | ({"Cookie": f"puras_session={self.cookie}"} if self.cookie else {})
        answer = await self.client.request(method, path, headers=sent, json=json)
        self.client.cookies.clear()
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        assert "access-control-allow-origin" not in answer.headers
        return answer

    async def sign_in(self, key: Minted) -> str:
        answer = await self.send("POST", json={"key": key.text})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def token(self) -> str:
        answer = await self.send("POST", "/session/token")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    async def balance(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (await self.client.get("/v1/billing/balance", headers=headers)).status_code


@pytest.fixture
def browser(client: httpx2.AsyncClient) -> Browser:
    return Browser(client)


async def test_the_cookie_can_be_read_by_no_script_and_goes_to_session_only(
    browser: Browser, key: Minted
) -> None:
    answer = await browser.send("POST", json={"key": key.text})
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert value == f"puras_session={browser.cookie}"
    assert len(browser.cookie) == 43
    assert set(attributes) == {
        "Path=/session",
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
        "Max-Age=2592000",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["current"] is True


async def test_without_tls_the_cookie_is_not_bound_to_it(tmp_path: Path) -> None:
    async with (
        open_platform(tmp_path) as platform,
        serving(platform, *ROUTES) as client,
    ):
        key = await mint(platform, await make_workspace(platform))
        own = {"Origin": "http://127.0.0.1:8787"}
        answer = await client.post("/session", headers=own, json={"key": key.text})
        assert "Secure" not in answer.headers["set-cookie"]


async def test_a_token_does_what_its_key_can_do(
    browser: Browser, key: Minted, workspace_id: str, clock: HandClock
) -> None:
    await browser.sign_in(key)
    given = (await browser.send("POST", "/session/token")).json()
    assert given["token"].startswith("puras_ses_")
    assert (given["workspace"], given["workspace_id"]) == ("local", workspace_id)
    assert (given["key"]["id"], given["key"]["name"], given["power"]) == (key.id, "test", "full")
    assert await browser.balance(given["token"]) == 200
    minted = await browser.client.post(
        "/v1/keys",
        headers={"Authorization": f"Bearer {given['token']}"},
        json={"name": "app", "kind": "publishable"},
    )
    assert minted.status_code == 201, minted.text


@pytest.mark.parametrize(
    ("fences", "power"),
    [
        (Fences(daily_cap_micros=1), "narrow"),
        (Fences(rate_per_minute=1), "limited"),
    ],
)
async def test_the_fences_of_the_key_are_those_of_the_token(
    browser: Browser, platform: Platform, workspace_id: str, fences: Fences, power: str
) -> None:
    await browser.sign_in(await mint(platform, workspace_id, fences=fences))
    given = (await browser.send("POST", "/session/token")).json()
    assert given["power"] == power
    headers = {"Authorization": f"Bearer {given['token']}"}
    assert problem(await browser.client.get("/v1/keys", headers=headers)) == (403, "key_fenced")


async def test_a_fence_that_is_put_up_later_counts_at_once(
    browser: Browser, platform: Platform, workspace_id: str, key: Minted
) -> None:
    await browser.sign_in(key)
    headers = {"Authorization": f"Bearer {await browser.token()}"}
    assert (await browser.client.get("/v1/keys", headers=headers)).status_code == 200
    await platform.db.write(
        lambda tx: keys.change(
            tx, workspace_id=workspace_id, key_id=key.id, changes={"rate_per_minute": 3}
        )
    )
    assert problem(await browser.client.get("/v1/keys", headers=headers)) == (403, "key_fenced")


async def test_a_publishable_key_can_not_sign_in(
    browser: Browser, platform: Platform, workspace_id: str
) -> None:
    key = await mint(platform, workspace_id, kind="publishable")
    answer = await browser.send("POST", json={"key": key.text})
    assert problem(answer) == (403, "key_kind_not_allowed")
    assert browser.cookie == ""


async def test_a_token_is_over_after_a_quarter_of_an_hour(
    browser: Browser, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    token = await browser.token()
    clock.moment += int(SESSION_TOKEN_SECONDS) * SECOND - 1
    assert await browser.balance(token) == 200
    clock.moment += 1
    assert await browser.balance(token) == 401
    assert await browser.balance(await browser.token()) == 200


async def test_a_session_is_over_after_thirty_days_however_much_it_is_used(
    browser: Browser, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    for _ in range(int(SESSION_SECONDS) // 86_400 - 1):
        clock.moment += DAY
        token = await browser.token()
    assert await browser.balance(token) == 200
    clock.moment += DAY
    refused = (401, "not_signed_in")
    assert problem(await browser.send("POST", "/session/token")) == refused
    assert problem(await browser.send("GET")) == refused


async def test_a_revoked_key_ends_its_sessions_and_tokens_at_once(
    browser: Browser, platform: Platform, workspace_id: str, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    token = await browser.token()
    await platform.db.write(
        lambda tx: keys.revoke(tx, workspace_id=workspace_id, key_id=key.id, now=clock())
    )
    assert await browser.balance(token) == 401
    assert problem(await browser.send("POST", "/session/token")) == (401, "not_signed_in")


async def test_an_expired_key_ends_its_sessions_and_tokens_at_once(
    browser: Browser, platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    fences = Fences(expires_at=clock() + 60 * SECOND)
    await browser.sign_in(await mint(platform, workspace_id, fences=fences))
    token = await browser.token()
    clock.moment += 60 * SECOND
    assert await browser.balance(token) == 401
    assert problem(await browser.send("GET")) == (401, "not_signed_in")


async def test_another_secret_under_the_same_prefix_ends_what_the_first_one_began(
    browser: Browser, platform: Platform, workspace_id: str, clock: HandClock
) -> None:
    first, other = (
        tokens.Token("secret", "bootkey1", "a" * 32),
        tokens.Token("secret", "bootkey1", "b" * 32),
    )

    async def install(token: tokens.Token) -> None:
        await platform.db.write(
            lambda tx: keys.install(
                tx, token, workspace_id=workspace_id, origin="bootstrap", name="b", now=clock()
            )
        )

    await install(first)
    await browser.sign_in(Minted("", first.text))
    token = await browser.token()
    await install(other)
    assert await browser.balance(token) == 401
    assert problem(await browser.send("POST", "/session/token")) == (401, "not_signed_in")


async def test_signing_out_ends_the_session_its_tokens_and_the_cookie(
    browser: Browser, key: Minted
) -> None:
    await browser.sign_in(key)
    token, cookie = await browser.token(), browser.cookie
    answer = await browser.send("DELETE")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await browser.balance(token) == 401
    browser.cookie = cookie
    assert problem(await browser.send("POST", "/session/token")) == (401, "not_signed_in")
    browser.cookie = ""
    assert (await browser.send("DELETE")).status_code == 204


async def test_signing_in_again_ends_the_session_before(browser: Browser, key: Minted) -> None:
    await browser.sign_in(key)
    token = await browser.token()
    await browser.sign_in(key)
    assert await browser.balance(token) == 401
    assert len((await browser.send("GET")).json()) == 1


async def test_sessions_are_listed_and_ended_from_another_browser(
    client: httpx2.AsyncClient, key: Minted, platform: Platform, workspace_id: str
) -> None:
    here, there, stranger = Browser(client), Browser(client), Browser(client)
    await here.send("POST", json={"key": key.text}, **{"User-Agent": "Here/1"})
    ended = await there.sign_in(key)
    other = await stranger.sign_in(await mint(platform, workspace_id))
    token = await there.token()
    listed = (await here.send("GET")).json()
    assert [(each["current"], each["user_agent"]) for each in listed][1] == (True, "Here/1")
    assert listed[0]["id"] == ended
    assert (await here.send("DELETE", f"/session/{ended}")).status_code == 204
    assert await there.balance(token) == 401
    assert problem(await there.send("GET")) == (401, "not_signed_in")
    for missing in (ended, other, "nothing"):
        answer = await here.send("DELETE", f"/session/{missing}")
        assert problem(answer) == (404, "session_not_found")
    assert (await stranger.send("GET")).status_code == 200


async def test_the_cookie_moves_on_and_the_one_before_the_last_is_worth_nothing(
    browser: Browser, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    first = browser.cookie
    await browser.token()
    assert browser.cookie == first, "within a minute it stays"
    cookies = [first]
    for _ in range(2):
        clock.moment += 60 * SECOND
        await browser.token()
        cookies.append(browser.cookie)
    assert len(set(cookies)) == 3
    browser.cookie = first
    assert problem(await browser.send("POST", "/session/token")) == (401, "not_signed_in")


async def test_two_tabs_that_renew_at_once_both_stay_signed_in(
    client: httpx2.AsyncClient, key: Minted, clock: HandClock
) -> None:
    one, two = Browser(client), Browser(client)
    await one.sign_in(key)
    two.cookie = one.cookie
    clock.moment += 60 * SECOND
    await one.token()
    former = two.cookie
    await two.token()
    assert two.cookie == former, "the jar is shared: the new cookie is the first tab's"
    clock.moment += 60 * SECOND
    await one.token()


async def test_a_browser_that_never_got_its_new_cookie_can_ask_again(
    browser: Browser, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    known = browser.cookie
    clock.moment += 60 * SECOND
    await browser.token()
    browser.cookie = known
    clock.moment += 60 * SECOND
    await browser.token()
    assert browser.cookie != known
    clock.moment += 60 * SECOND
    await browser.token()


async def test_neither_cookie_nor_key_is_kept_as_it_is(
    browser: Browser, platform: Platform, key: Minted
) -> None:
    await browser.sign_in(key)
    rows = await platform.db.read(lambda tx: tx.all(ALL_ROWS))
    kept = repr([tuple(row.values()) if hasattr(row, "values") else tuple(row) for row in rows])
    assert browser.cookie not in kept
    assert key.text.partition(".")[2] not in kept


async def test_a_cookie_opens_nothing_of_the_api(browser: Browser, key: Minted) -> None:
    await browser.sign_in(key)
    for path in ("/v1/billing/balance", "/v1/keys"):
        headers = {"Cookie": f"puras_session={browser.cookie}"}
        answer = await browser.client.get(path, headers=headers)
        assert problem(answer) == (401, "invalid_api_key")
    assert await browser.balance(browser.cookie) == 401
    assert await browser.balance(f"puras_ses_{browser.cookie}") == 401


async def test_a_token_is_no_key_to_sign_in_with(browser: Browser, key: Minted) -> None:
    await browser.sign_in(key)
    answer = await browser.send("POST", json={"key": await browser.token()})
    assert problem(answer) == (401, "invalid_api_key")


async def test_beyond_a_number_of_tokens_the_oldest_goes(
    browser: Browser, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    given = []
    for _ in range(MAX_SESSION_TOKENS + 1):
        clock.moment += SECOND
        given.append(await browser.token())
    assert await browser.balance(given[0]) == 401
    assert {await browser.balance(token) for token in given[1:]} == {200}


async def test_other_origins_and_forms_are_refused(browser: Browser, key: Minted) -> None:
    await browser.sign_in(key)
    evil = {"Origin": "https://evil.example"}
    refused = (403, "not_same_origin")
    for method, path in [
        ("POST", "/session/token"),
        ("DELETE", "/session"),
        ("DELETE", "/session/x"),
    ]:
        assert problem(await browser.send(method, path, **evil)) == refused
    assert problem(await browser.send("POST", json={"key": key.text}, **evil)) == refused
    form = {"Content-Type": "text/plain"}
    assert problem(await browser.send("POST", "/session/token", **form)) == refused
    assert (await browser.send("GET", **evil)).status_code == 200


async def test_no_preflight_is_granted(client: httpx2.AsyncClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await client.options("/session", headers=asked)
    assert problem(answer) == (405, "method_not_allowed")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("body", [{}, {"key": "a", "link": "b"}])
async def test_one_of_key_and_link_is_needed(browser: Browser, body: dict[str, str]) -> None:
    assert problem(await browser.send("POST", json=body)) == (422, "invalid_request")


async def test_wrong_keys_are_throttled_until_the_minute_is_over(
    browser: Browser, key: Minted, clock: HandClock
) -> None:
    clock.moment -= clock.moment % (60 * SECOND)
    wrong = {"key": key.text[:-1] + ("a" if key.text[-1] != "a" else "b")}
    for _ in range(MAX_SIGN_IN_FAILURES):
        assert problem(await browser.send("POST", json=wrong)) == (401, "invalid_api_key")
    for body in (wrong, {"link": "x"}, {"key": key.text}):
        answer = await browser.send("POST", json=body)
        assert problem(answer) == (429, "too_many_attempts")
        assert answer.headers["retry-after"] == "60"
    clock.moment += 60 * SECOND
    await browser.sign_in(key)


async def test_who_signs_in_well_has_all_tries_again(browser: Browser, key: Minted) -> None:
    for _ in range(2):
        for _ in range(MAX_SIGN_IN_FAILURES - 1):
            assert (await browser.send("POST", json={"key": "wrong"})).status_code == 401
        await browser.sign_in(key)


async def link(platform: Platform, key: Minted, clock: HandClock) -> str:
    return await platform.db.write(lambda tx: store.make_link(tx, key_id=key.id, now=clock()))


async def test_a_link_signs_in_once(
    browser: Browser, platform: Platform, key: Minted, clock: HandClock
) -> None:
    secret = await link(platform, key, clock)
    assert (await browser.send("POST", json={"link": secret})).status_code == 201
    assert await browser.balance(await browser.token()) == 200
    assert problem(await browser.send("POST", json={"link": secret})) == (401, "invalid_link")


async def test_a_link_is_over_after_a_quarter_of_an_hour(
    browser: Browser, platform: Platform, key: Minted, clock: HandClock
) -> None:
    secret = await link(platform, key, clock)
    clock.moment += int(LINK_SECONDS) * SECOND
    assert problem(await browser.send("POST", json={"link": secret})) == (401, "invalid_link")


async def test_a_link_of_a_revoked_key_signs_nobody_in(
    browser: Browser, platform: Platform, workspace_id: str, key: Minted, clock: HandClock
) -> None:
    secret = await link(platform, key, clock)
    await platform.db.write(
        lambda tx: keys.revoke(tx, workspace_id=workspace_id, key_id=key.id, now=clock())
    )
    assert problem(await browser.send("POST", json={"link": secret})) == (401, "invalid_link")


async def test_a_browser_that_asks_from_elsewhere_does_not_use_the_link_up(
    browser: Browser, platform: Platform, key: Minted, clock: HandClock
) -> None:
    secret = await link(platform, key, clock)
    evil = {"Origin": "https://evil.example"}
    answer = await browser.send("POST", json={"link": secret}, **evil)
    assert problem(answer) == (403, "not_same_origin")
    assert (await browser.send("POST", json={"link": secret})).status_code == 201


async def test_what_is_over_is_forgotten(
    browser: Browser, platform: Platform, key: Minted, clock: HandClock
) -> None:
    await browser.sign_in(key)
    await browser.token()
    await link(platform, key, clock)
    await browser.send("POST", json={"key": "wrong"})
    clock.moment += int(SESSION_SECONDS) * SECOND
    await platform.db.write(lambda tx: store.prune(tx, now=clock()))
    for table in ("sessions", "session_tokens", "sign_in_links", "sign_in_failures"):
        query = Query("left", f"SELECT * FROM {table}")
        assert await platform.db.read(lambda tx, query=query: tx.all(query)) == [], table
