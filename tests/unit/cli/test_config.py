"""The file that remembers a login."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from puras.cli import config
from puras.cli.failures import CommandFailed


def test_without_a_file_nobody_is_logged_in(home: Path) -> None:
    assert config.read_config() == config.Config()
    assert not (home / ".puras").exists()


def test_a_kept_login_is_readable_by_its_owner_alone(home: Path) -> None:
    path = config.remember_login(api_base="http://x/", api_key="k")
    assert path == home / ".puras" / "config.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(path.read_text()) == {"api_base": "http://x", "api_key": "k"}


def test_a_readable_file_becomes_private_when_it_is_written_again(home: Path) -> None:
    path = config.remember_login(api_base="http://x", api_key="k")
    path.chmod(0o644)
    config.remember_login(api_base="http://x", api_key="k2")
    assert path.stat().st_mode & 0o777 == 0o600


def test_logging_in_and_out_keeps_what_else_is_in_the_file(home: Path) -> None:
    path = config.config_path()
    path.parent.mkdir()
    path.write_text('{"llm_api_key": "m", "theme": "dark"}')
    config.remember_login(api_base="http://x", api_key="k")
    assert config.forget_login()
    assert json.loads(path.read_text()) == {
        "api_base": "http://x",
        "llm_api_key": "m",
        "theme": "dark",
    }
    assert not config.forget_login()


def test_writing_leaves_no_other_file_behind(home: Path) -> None:
    config.remember_login(api_base="http://x", api_key="k")
    assert [path.name for path in (home / ".puras").iterdir()] == ["config.json"]


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_a_file_that_can_not_be_read_is_named(home: Path, content: str) -> None:
    path = config.config_path()
    path.parent.mkdir()
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandFailed, match=r"config\.json can't be read"):
        config.read_config()


def test_the_environment_wins_over_the_file() -> None:
    kept = config.Config("http://kept", "kept")
    environment = {"PURAS_API_BASE": "http://env/", "PURAS_API_KEY": "env"}
    assert config.current_login(kept, environment) == config.Login(
        "http://env", "env", "environment"
    )
    assert config.current_login(kept, {}) == config.Login("http://kept", "kept", "config")


def test_the_hosted_service_is_where_one_is_without_a_login() -> None:
    login = config.current_login(config.Config(), {})
    assert login == config.Login("https://api.puras.co", None, None)
