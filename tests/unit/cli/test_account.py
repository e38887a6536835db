"""`login`, `logout`, `whoami`."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Run
from .loopback import KEY, Loopback


def kept(home: Path) -> object:
    return json.loads((home / ".puras" / "config.json").read_text())


def test_login_tries_the_key_and_keeps_it(run: Run, server: Loopback, home: Path) -> None:
    result = run("login", "--api-base", f"{server.base}/", "--key", KEY)
    assert result.exit_code == 0
    assert result.stdout == f"Logged in to workspace acme at {server.base}.\n"
    assert kept(home) == {"api_base": server.base, "api_key": KEY}


def test_login_reads_the_key_from_standard_input(run: Run, server: Loopback, home: Path) -> None:
    assert run("login", "--api-base", server.base, "--key", "-", input=f"{KEY}\n").exit_code == 0
    assert run("login", input=f"  {KEY}  \n").exit_code == 0
    assert kept(home) == {"api_base": server.base, "api_key": KEY}


def test_a_key_that_the_server_refuses_is_not_kept(run: Run, server: Loopback, home: Path) -> None:
    result = run("login", "--api-base", server.base, "--key", "puras_live_wrong.key")
    assert result.exit_code == 3
    assert "Error: no: invalid_api_key" in result.stderr
    assert "Request id: req-7" in result.stderr
    assert not (home / ".puras").exists()


def test_login_without_a_key_is_a_usage_error(run: Run, server: Loopback) -> None:
    assert run("login", "--api-base", server.base, "--key", "-", input="\n").exit_code == 2
    assert server.seen == []


def test_login_refuses_an_address_that_is_no_url(run: Run) -> None:
    result = run("login", "--api-base", "localhost:8787", "--key", KEY)
    assert result.exit_code == 2
    assert "is no http address" in result.stderr


def test_commands_use_the_kept_login(run: Run, server: Loopback) -> None:
    run("login", "--api-base", server.base, "--key", KEY)
    result = run("whoami", "--output", "json")
    assert json.loads(result.stdout) == {
        "workspace_id": "01990c5e-7d2a-7c3e-9f10-000000000001",
        "workspace": "acme",
        "balance_micros": 99_500_000,
        "balance_usd": 99.5,
        "spent_today_micros": 500_000,
        "api_base": server.base,
        "key_prefix": "puras_live_abcd1234",
        "key_source": "config",
    }


def test_whoami_never_shows_the_secret_part_of_a_key(puras: Run) -> None:
    result = puras("whoami")
    assert "puras_live_abcd1234" in result.stdout
    assert "PURAS_API_KEY" in result.stdout
    assert KEY.partition(".")[2] not in result.output


def test_whoami_without_a_login_says_how_to_log_in(run: Run) -> None:
    result = run("whoami")
    assert result.exit_code == 3
    assert result.stderr == "Error: you are not logged in\nNext: puras login, or PURAS_API_KEY\n"


def test_logout_forgets_the_key_and_keeps_the_server(
    run: Run, server: Loopback, home: Path
) -> None:
    run("login", "--api-base", server.base, "--key", KEY)
    assert run("logout").stdout == "Logged out.\n"
    assert kept(home) == {"api_base": server.base}
    assert run("logout").stdout == "You were not logged in.\n"


def test_logout_tells_of_a_key_in_the_environment(puras: Run) -> None:
    assert "PURAS_API_KEY is set" in puras("logout").stderr


def test_a_server_that_is_not_there_is_told_with_its_address(run: Run, home: Path) -> None:
    result = run("login", "--api-base", "http://127.0.0.1:9", "--key", KEY)
    assert result.exit_code == 1
    assert "http://127.0.0.1:9" in result.stderr
    assert "start a local one: puras serve" in result.stderr


def test_the_key_is_not_sent_when_the_config_can_not_be_read(
    run: Run, server: Loopback, home: Path
) -> None:
    (home / ".puras").mkdir()
    (home / ".puras" / "config.json").write_text("{")
    result = run("whoami", env={"PURAS_API_BASE": server.base})
    assert result.exit_code == 1
    assert "config.json can't be read" in result.stderr
    assert server.seen == []


def test_a_key_with_odd_characters_is_never_sent(run: Run, server: Loopback) -> None:
    result = run("login", "--api-base", server.base, "--key", "clé")
    assert result.exit_code == 2
    assert "characters that no key has" in result.stderr
    assert server.seen == []


def test_an_odd_address_in_the_environment_is_a_usage_error(puras: Run) -> None:
    result = puras("whoami", env={"PURAS_API_BASE": "localhost:8787"})
    assert result.exit_code == 2
    assert "'localhost:8787' is no http address" in result.stderr
