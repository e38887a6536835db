from __future__ import annotations

import base64
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from puras.server.home import (
    DataInUse,
    Home,
    derived_key,
    incoming,
    own_home,
    running_pid,
    running_pids,
    secrets_keys,
    secrets_keys_file,
    settings_of_one,
)
from puras.server.settings import BadSetting, Settings, read_settings

HOLD = """
import sys
from pathlib import Path
from puras.server.home import Home
home = Home(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def encoded(byte: bytes) -> str:
    return base64.b64encode(byte * 32).decode()


def test_a_new_folder_can_be_read_by_nobody_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "a/data")
    assert home.path.stat().st_mode & 0o777 == 0o700
    home.close()


def test_a_second_server_is_refused_and_told_who_has_the_data(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(DataInUse, match=f"data_in_use.*process {os.getpid()}") as refusal:
        Home(tmp_path)
    assert (refusal.value.code, refusal.value.pid) == ("data_in_use", os.getpid())
    assert running_pid(tmp_path) == os.getpid()
    home.close()
    home.close()
    assert running_pid(tmp_path) is None
    Home(tmp_path).close()


def test_the_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataInUse) as refusal:
            Home(tmp_path)
        assert refusal.value.pid == holder.pid == running_pid(tmp_path)
        holder.kill()
    Home(tmp_path).close()


def test_what_a_killed_server_left_half_way_is_cleared(tmp_path: Path) -> None:
    (incoming(tmp_path) / "tree").mkdir(parents=True)
    (incoming(tmp_path) / "tree/part").write_bytes(b"x")
    Home(tmp_path).close()
    assert not incoming(tmp_path).exists()


def test_a_folder_that_was_never_served_runs_nowhere(tmp_path: Path) -> None:
    assert running_pid(tmp_path) is None


def test_the_first_start_makes_a_private_key_that_stays(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    keys = secrets_keys(settings)
    assert len(keys) == 1
    assert len(keys[0]) == 32
    assert secrets_keys(settings) == keys
    assert secrets_keys_file(tmp_path).stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    other.mkdir()
    assert secrets_keys(Settings(home=other)) != keys


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from puras.server.home import secrets_keys\nfrom puras.server.settings import Settings\n"
        "print(secrets_keys(Settings(home=Path(sys.argv[1]))))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.key"]


def test_each_process_of_several_has_a_folder_of_its_own(tmp_path: Path) -> None:
    shared = tmp_path / "data"
    first, second = own_home(shared), own_home(shared)
    assert [home.path.name for home in (first, second)] == ["process-0", "process-1"]
    assert shared.stat().st_mode & 0o777 == 0o700
    assert running_pids(shared) == [os.getpid()] * 2
    (incoming(first.path) / "half").mkdir(parents=True)
    first.close()
    third = own_home(shared)
    assert third.path == first.path
    assert not incoming(third.path).exists(), "it is cleared for who gets it next"
    second.close()
    third.close()
    assert running_pids(shared) == []


def test_the_processes_share_files_and_keys(tmp_path: Path) -> None:
    shared = Settings(home=tmp_path, database_url="postgresql://x/y")
    first, second = own_home(tmp_path), own_home(tmp_path)
    ones = [settings_of_one(shared, home) for home in (first, second)]
    assert {one.files_path for one in ones} == {tmp_path / "files"}
    assert {secrets_keys(one) for one in ones} == {secrets_keys(shared)}
    assert ones[0].home != ones[1].home
    assert ones[0].files_incoming.is_relative_to(tmp_path / "files")
    elsewhere = replace(shared, files=tmp_path / "disk")
    assert settings_of_one(elsewhere, first).files_path == tmp_path / "disk"
    assert (tmp_path / "disk").stat().st_mode & 0o777 == 0o700
    first.close()
    second.close()


@pytest.mark.parametrize("url", ["mysql://here/x", "postgres.example.com", "sqlite:///x"])
def test_only_an_address_of_postgresql_is_one_of_a_database(url: str) -> None:
    with pytest.raises(BadSetting, match="postgresql://user:password@host/database"):
        read_settings({"PURAS_DATABASE_URL": url})


def test_the_password_of_a_database_is_not_shown() -> None:
    settings = read_settings({"PURAS_DATABASE_URL": "postgresql://u:hush@host/x"})
    assert "hush" not in repr(settings)


def test_keys_of_the_environment_win_and_make_no_file(tmp_path: Path) -> None:
    text = f"{encoded(b'a')}, {encoded(b'b')},"
    settings = replace(read_settings({"PURAS_SECRETS_KEY": text}), home=tmp_path)
    assert secrets_keys(settings) == (b"a" * 32, b"b" * 32)
    assert not secrets_keys_file(tmp_path).exists()
    assert encoded(b"a") not in repr(settings)


def test_both_alphabets_of_base64_are_read(tmp_path: Path) -> None:
    key = b"\xfb\xff" * 16
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        settings = Settings(home=tmp_path, secrets_key=encode(key).decode())
        assert secrets_keys(settings) == (key,)


@pytest.mark.parametrize("text", ["é", base64.b64encode(b"short").decode(), "!" * 44])
def test_a_bad_secrets_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSetting, match="32 bytes in base64") as refusal:
        secrets_keys(Settings(home=tmp_path, secrets_key=f"{encoded(b'a')},{text}"))
    assert text not in str(refusal.value)


def test_commas_alone_are_no_secrets_keys(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="32 bytes in base64"):
        secrets_keys(Settings(home=tmp_path, secrets_key=" , "))


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert derived_key(b"s" * 32, "a") == derived_key(b"s" * 32, "a")
    assert len({derived_key(b"s" * 32, "a"), derived_key(b"s" * 32, "b"), b"s" * 32}) == 3
