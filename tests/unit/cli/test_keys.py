"""`keys`: mint, list, change, revoke."""

from __future__ import annotations

import json

import pytest

from .conftest import Run
from .loopback import KEY, NOW, Loopback


def test_a_minted_key_alone_goes_to_stdout(puras: Run, server: Loopback) -> None:
    result = puras("keys", "mint", "--name", "ci")
    assert result.stdout == f"{KEY}\n"
    assert "shown this once" in result.stderr
    assert server.seen[-1].json == {"name": "ci", "kind": "secret", "skills": "all"}


def test_every_fence_of_a_key_can_be_named(puras: Run, server: Loopback) -> None:
    puras(
        *("keys", "mint", "--name", "app", "--publishable", "--daily-cap", "2.5", "--rate", "10"),
        *("--concurrency", "3"),
        *("--skill", "a/b", "--skill", "a/c", "--origin", "https://app.example"),
        *("--expires", "2027-01-31T00:00:00Z"),
    )
    assert server.seen[-1].json == {
        "name": "app",
        "kind": "publishable",
        "skills": ["a/b", "a/c"],
        "daily_cap_usd": 2.5,
        "rate_per_minute": 10,
        "concurrency": 3,
        "allowed_origins": ["https://app.example"],
        "expires_at": "2027-01-31T00:00:00Z",
    }


def test_a_minted_key_as_json_is_the_whole_row(puras: Run) -> None:
    result = puras("keys", "mint", "--name", "ci", "--output", "json")
    assert json.loads(result.stdout)["key"] == KEY
    assert result.stderr == ""


def test_mint_needs_a_name(puras: Run, server: Loopback) -> None:
    assert puras("keys", "mint").exit_code == 2
    assert server.seen == []


def test_a_fenced_key_may_not_mint(puras: Run, server: Loopback) -> None:
    server.refuse("POST /v1/keys", 403, "key_fenced")
    result = puras("keys", "mint", "--name", "ci")
    assert result.exit_code == 3
    assert "use a key without limits" in result.stderr


def test_revoked_keys_are_listed_on_request_only(puras: Run, server: Loopback) -> None:
    server.add_key(name="old", revoked_at=NOW)
    server.add_key(name="new", daily_cap_usd=5.0, spent_today_micros=10_000)
    shown = puras("keys").stdout.splitlines()
    assert [row.split("\t")[1] for row in shown] == ["new"]
    assert shown[0].split("\t")[5:7] == ["$5.00", "$0.01"]
    assert len(json.loads(puras("keys", "--all", "--output", "json").stdout)) == 2


@pytest.mark.parametrize(
    ("options", "change"),
    [
        (["--name", "x"], {"name": "x"}),
        (["--daily-cap", "0"], {"daily_cap_usd": 0.0}),
        (["--skill", "a/b"], {"skills": ["a/b"]}),
        (["--all-skills"], {"skills": "all"}),
        (["--no-daily-cap"], {"daily_cap_usd": None}),
        (["--no-rate"], {"rate_per_minute": None}),
        (["--no-concurrency"], {"concurrency": None}),
        (["--any-origin"], {"allowed_origins": None}),
        (["--no-expiry"], {"expires_at": None}),
    ],
)
def test_update_changes_what_is_named_and_nothing_else(
    puras: Run, server: Loopback, options: list[str], change: dict[str, object]
) -> None:
    key = server.add_key()
    assert puras("keys", "update", key["id"], *options).exit_code == 0
    assert server.seen[-1].json == change


def test_update_with_nothing_to_change_is_a_usage_error(puras: Run, server: Loopback) -> None:
    assert puras("keys", "update", "7").exit_code == 2
    assert server.seen == []


def test_revoke_names_the_key(puras: Run, server: Loopback) -> None:
    assert puras("keys", "revoke", "7").stdout == "Revoked 7.\n"
    assert server.seen[-1].path == "/v1/keys/7"


def test_an_unknown_key_is_not_found(puras: Run, server: Loopback) -> None:
    server.refuse("DELETE /v1/keys/7", 404, "key_not_found")
    assert puras("keys", "revoke", "7").exit_code == 4
