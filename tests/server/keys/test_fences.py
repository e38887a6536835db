from __future__ import annotations

from typing import Any

import pytest

from puras.server.clock import DAY, parse_iso
from puras.server.keys import fences
from puras.server.keys.fences import normalize_origin

NOW = parse_iso("2026-06-01T12:00:00Z")


def test_everything_is_read_into_the_units_of_the_store() -> None:
    body = {
        "name": "  shop  ",
        "daily_cap_usd": 1.5,
        "rate_per_minute": 60.0,
        "concurrency": 2.0,
        "allowed_origins": ["https://Shop.example/", "https://shop.example:443"],
        "expires_at": "2026-06-01T14:00:00+02:00",
    }
    values, faults = fences.read(
        body | {"expires_at": "2026-06-01T14:00:01+02:00"}, kind="publishable", now=NOW
    )
    assert faults == []
    assert values == {
        "name": "shop",
        "daily_cap_micros": 1_500_000,
        "rate_per_minute": 60,
        "concurrency": 2,
        "allowed_origins": ("https://shop.example",),
        "expires_at": NOW + 1_000_000,
    }


def test_null_takes_a_fence_away_and_what_is_left_out_stays() -> None:
    values, faults = fences.read({"daily_cap_usd": None}, kind="secret", now=NOW)
    assert (values, faults) == ({"daily_cap_micros": None}, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "a\x00b"),
        ("daily_cap_usd", -0.01),
        ("daily_cap_usd", 1e300),
        ("rate_per_minute", 0),
        ("rate_per_minute", 10**30),
        ("concurrency", 0),
        ("concurrency", 10_001),
        ("allowed_origins", []),
        ("allowed_origins", ["https://a.example"] * 101),
        ("allowed_origins", ["https://a.example", "a.example"]),
        ("expires_at", "tomorrow"),
        ("expires_at", "2026-06-01T12:00:00Z"),
        ("expires_at", "2026-05-31"),
        ("expires_at", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_fault_of_its_field(field: str, value: Any) -> None:
    values, faults = fences.read({field: value}, kind="publishable", now=NOW)
    assert values == {}
    assert [fault["path"] for fault in faults] == [f"$.{field}"]


def test_a_secret_key_has_no_allowed_origins() -> None:
    _, faults = fences.read({"allowed_origins": ["https://a.example"]}, kind="secret", now=NOW)
    assert "publishable" in faults[0]["message"]
    values, faults = fences.read({"allowed_origins": None}, kind="secret", now=NOW)
    assert (values, faults) == ({"allowed_origins": None}, [])


def test_all_faults_are_found_at_once() -> None:
    body = {"name": "", "daily_cap_usd": -1, "rate_per_minute": 0, "expires_at": "x"}
    _, faults = fences.read(body, kind="secret", now=NOW)
    assert len(faults) == 4


def test_an_expiry_may_be_a_century_away() -> None:
    values, _ = fences.read({"expires_at": "2126-01-01T00:00:00Z"}, kind="secret", now=NOW)
    assert values["expires_at"] > NOW + 36_000 * DAY


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://a.example", "https://a.example"),
        ("HTTPS://A.Example:443", "https://a.example"),
        ("http://a.example:80/", "http://a.example"),
        ("http://a.example:8080", "http://a.example:8080"),
        ("http://a.example:08080", "http://a.example:8080"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("*", None),
        ("null", None),
        ("https://*.a.example", None),
        ("https://a.example/path", None),
        ("https://user@a.example", None),
        ("https://a.example:0", None),
        ("https://a.example:65536", None),
        ("https://bücher.example", None),
        ("https://", None),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(text: str, origin: str | None) -> None:
    assert normalize_origin(text) == origin
