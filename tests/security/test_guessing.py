"""Who tries many keys has to wait, and shuts out nobody else by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from puras.server.app import ROUTES
from puras.server.clock import SECOND
from puras.server.guesses import MAX_ADDRESSES, MAX_WRONG_KEYS, Guesses
from puras.server.http import Http
from puras.server.keys import tokens
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.sender import sender_of
from puras.wire import MAX_SIGN_IN_FAILURES

from ..server.support import (
    HandClock,
    Minted,
    make_workspace,
    mint,
    open_platform,
    problem,
    revoke,
)

PROXY, STRANGER, NEIGHBOUR = "10.0.0.5", "203.0.113.9", "198.51.100.7"
WHO = "/v1/billing/balance"


class Visitors:
    """The API, as seen from any address."""

    def __init__(self, app: Http) -> None:
        self._app = app

    async def ask(
        self, key: str | None, *, address: str = STRANGER, path: str = WHO, **headers: str
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self._app, client=(address, 1))
        given = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://puras.test") as client:
            return await client.get(path, headers={**given, **headers})

    async def sign_in(self, key: str, *, address: str = STRANGER) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self._app, client=(address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://puras.test") as client:
            origin = {"Origin": "http://puras.test", "Sec-Fetch-Site": "same-origin"}
            return await client.post("/session", json={"key": key}, headers=origin)

    async def guess(self, times: int, **options: Any) -> list[int]:
        return [(await self.ask(a_wrong_key(), **options)).status_code for _ in range(times)]


def a_wrong_key() -> str:
    return tokens.mint("secret").text


@pytest.fixture
def clock() -> HandClock:
    clock = HandClock()
    clock.moment -= clock.moment % (60 * SECOND) - 10 * SECOND
    return clock


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    proxies = (ip_network("10.0.0.0/8"),)
    async with open_platform(
        tmp_path, clock=clock, trusted_proxies=proxies, public_url="http://puras.test"
    ) as platform:
        yield platform


@pytest.fixture
async def workspace(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def key(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace)


@pytest.fixture
async def visitors(platform: Platform) -> AsyncIterator[Visitors]:
    app = Http(platform, ROUTES)
    yield Visitors(app)
    await app.close()


async def test_after_many_different_wrong_keys_the_address_has_to_wait_out_the_minute(
    visitors: Visitors, clock: HandClock, key: Minted
) -> None:
    assert set(await visitors.guess(MAX_WRONG_KEYS)) == {401}
    refused = await visitors.ask(a_wrong_key())
    assert problem(refused) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == "50"
    assert (await visitors.ask(key.text)).status_code == 429  # also the one that is right
    assert (await visitors.ask(key.text, address=NEIGHBOUR)).status_code == 200
    clock.moment += 50 * SECOND
    assert (await visitors.ask(key.text)).status_code == 200


async def test_a_key_that_was_right_lately_goes_on_beside_a_guesser(
    visitors: Visitors, platform: Platform, workspace: str, key: Minted
) -> None:
    assert (await visitors.ask(key.text)).status_code == 200
    await visitors.guess(2 * MAX_WRONG_KEYS)
    assert (await visitors.ask(key.text)).status_code == 200
    await revoke(platform, workspace, key)
    assert (await visitors.ask(key.text)).status_code == 401
    assert (await visitors.ask(key.text)).status_code == 429


async def test_one_wrong_key_over_and_over_is_no_guessing(visitors: Visitors, key: Minted) -> None:
    wrong = a_wrong_key()
    for _ in range(3 * MAX_WRONG_KEYS):
        assert (await visitors.ask(wrong)).status_code == 401
        assert (await visitors.ask(None)).status_code == 401
    assert (await visitors.ask(key.text)).status_code == 200


async def test_tokens_of_browsers_are_guessed_no_faster(visitors: Visitors) -> None:
    for n in range(MAX_WRONG_KEYS):
        assert (await visitors.ask(f"puras_session_{n:040}")).status_code == 401
    assert (await visitors.ask(a_wrong_key())).status_code == 429


async def test_signing_in_has_its_own_count(visitors: Visitors, key: Minted) -> None:
    for _ in range(MAX_SIGN_IN_FAILURES):
        assert problem(await visitors.sign_in(a_wrong_key())) == (401, "invalid_api_key")
    refused = await visitors.sign_in(key.text)
    assert problem(refused) == (429, "too_many_attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (await visitors.sign_in(key.text, address=NEIGHBOUR)).status_code == 201


async def test_behind_a_named_proxy_each_caller_is_counted_alone(
    visitors: Visitors, key: Minted
) -> None:
    forwarded = {"X-Forwarded-For": STRANGER}
    await visitors.guess(MAX_WRONG_KEYS, address=PROXY, **forwarded)
    assert (await visitors.ask(key.text, address=PROXY, **forwarded)).status_code == 429
    other = {"X-Forwarded-For": NEIGHBOUR}
    assert (await visitors.ask(key.text, address=PROXY, **other)).status_code == 200


async def test_a_header_of_one_s_own_is_no_way_around(visitors: Visitors, key: Minted) -> None:
    for n in range(MAX_WRONG_KEYS):
        await visitors.ask(a_wrong_key(), **{"X-Forwarded-For": f"192.0.2.{n}"})
    assert (await visitors.ask(key.text)).status_code == 429
    through_the_proxy = {"X-Forwarded-For": f"192.0.2.77, {STRANGER}"}
    assert (await visitors.ask(key.text, address=PROXY, **through_the_proxy)).status_code == 429


def test_memory_is_bounded_however_many_addresses_guess() -> None:
    guesses = Guesses()
    for n in range(MAX_ADDRESSES + 500):
        guesses.note_wrong(f"address {n}", "wrong", now=1)
    assert len(guesses._wrong) == MAX_ADDRESSES
    for n in range(MAX_WRONG_KEYS + 500):
        guesses.note_wrong("one", f"wrong {n}", now=1)
    assert len(guesses._wrong["one"]) == MAX_WRONG_KEYS
    with pytest.raises(Refused):
        guesses.check("one", "another", now=1)


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["1.2.3.4"], "192.0.2.1"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9", "1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "unknown"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["2001:db8:1:2:ffff::1"], "2001:db8:1:2::/64"),
    ],
)
def test_who_is_asking(peer: str, forwarded: list[str], sender: str) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert sender_of(request, (ip_network("10.0.0.0/8"),)) == sender
