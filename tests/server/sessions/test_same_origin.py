from __future__ import annotations

import pytest

from puras.server.refusals import Refused
from puras.server.sessions.same_origin import check_same_origin, origin_of

PUBLIC = "https://puras.example"


def allowed(method: str = "POST", *, public_url: str = PUBLIC, **headers: str) -> bool:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent.setdefault("content-type", "application/json")
    try:
        check_same_origin(sent, method=method, public_url=public_url)
    except Refused as refused:
        return refused.code != "not_same_origin"
    return True


def test_a_page_of_the_public_url_may() -> None:
    assert allowed(origin=PUBLIC)
    assert allowed(origin=PUBLIC, public_url=f"{PUBLIC}:443/below")
    assert not allowed(origin=PUBLIC, public_url=f"{PUBLIC}:8443")


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://puras.example", "https://puras.example.evil.example"),
        *("null", "", "https://[", "https://puras.example:8443"),
    ],
)
def test_a_page_of_any_other_origin_may_not(origin: str) -> None:
    assert not allowed(origin=origin)
    assert not allowed(origin=origin, host="puras.example")
    assert not allowed(origin=origin, sec_fetch_site="same-origin")


def test_without_an_origin_the_browser_has_to_vouch_for_it() -> None:
    assert allowed(sec_fetch_site="same-origin")
    for site in ("same-site", "cross-site", "none"):
        assert not allowed(sec_fetch_site=site)
    assert not allowed()


def test_any_name_of_this_machine_will_do_where_it_is_the_request_s_own_host() -> None:
    for host in ("localhost:8787", "127.0.0.1:8787", "[::1]:8787", "localhost"):
        assert allowed(origin=f"http://{host}", host=host)
    assert not allowed(origin="http://localhost:3000", host="localhost:8787")
    assert not allowed(origin="http://rebound.example:8787", host="rebound.example:8787")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_can_send_nothing_that_counts(kind: str) -> None:
    assert not allowed(origin=PUBLIC, content_type=kind)
    assert allowed("DELETE", origin=PUBLIC, content_type=kind)


def test_json_may_name_its_charset() -> None:
    assert allowed(origin=PUBLIC, content_type="Application/JSON; charset=utf-8")


def test_an_origin_is_written_as_browsers_do() -> None:
    assert origin_of("http://127.0.0.1:8787/x") == "http://127.0.0.1:8787"
    assert origin_of("https://Puras.example:443") == "https://puras.example"
    assert origin_of("http://[::1]:80/") == "http://[::1]"
    assert origin_of("http://a:b") == ""
    assert origin_of("") == ""
