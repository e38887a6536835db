"""`puras admin`: beside a running server, on the same data."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import httpx2
import pytest

from .conftest import Served, serving


def admin(server: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    return server.puras("admin", *arguments, "--data", str(server.data))


def test_a_new_workspace_has_its_own_key_wallet_and_skillpacks(server: Served) -> None:
    made = admin(server, "workspace", "create", "acme", "--name", "Acme Inc.")
    assert made.stdout == "Created workspace acme with $100.00.\n"
    key = admin(server, "key", "create", "acme").stdout.strip()
    who = server.puras("whoami", "--output", "json", env={"PURAS_API_KEY": key})
    assert json.loads(who.stdout)["workspace"] == "acme"
    server.puras("skillpacks", "create", "mine")
    assert server.puras("skillpacks", env={"PURAS_API_KEY": key}).stdout == ""


def test_credits_are_added_to_the_cent(server: Served) -> None:
    admin(server, "workspace", "create", "rich")
    assert admin(server, "credits", "add", "rich", "0.25").stdout == "rich has $100.25 now.\n"
    listed = json.loads(admin(server, "workspace", "list", "--output", "json").stdout)
    balances = {each["slug"]: each["balance_micros"] for each in listed}
    assert balances["rich"] == 100_250_000
    assert "local" in balances


def test_only_the_key_goes_to_stdout(server: Served) -> None:
    made = admin(server, "key", "create", "local", "--name", "second")
    assert made.stdout.startswith("puras_live_")
    assert made.stdout.count("\n") == 1
    assert "shown this once" in made.stderr


def sign_in(server: Served, link: str) -> httpx2.Response:
    """Do what the page at a link does: send what stands behind its `#`."""
    page, _, secret = link.partition("#")
    origin = page.removesuffix("/login")
    return httpx2.post(f"{server.base}/session", json={"link": secret}, headers={"Origin": origin})


def test_a_link_signs_one_browser_in(server: Served) -> None:
    address = ("--port", server.base.rpartition(":")[2])
    made = admin(server, "link", *address)
    link = made.stdout.strip()
    assert link.startswith(f"{server.base}/login#"), made.stderr
    assert sign_in(server, link).status_code == 201
    assert sign_in(server, link).status_code == 401
    told = json.loads(admin(server, "link", *address, "--output", "json").stdout)
    assert sign_in(server, told["link"]).status_code == 201


def test_the_link_of_the_first_start_signs_in_and_is_in_no_log(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        assert first.link.startswith(f"{first.base}/login#")
        answer = sign_in(first, first.link)
        assert answer.status_code == 201
        cookie = answer.headers["set-cookie"].partition(";")[0]
        given = httpx2.post(
            f"{first.base}/session/token",
            json={},
            headers={"Cookie": cookie, "Origin": first.base},
        ).json()
        assert given["key"]["name"] == "First key"
        first.stop()
        log = (tmp_path / "server.log").read_text()
        for secret in (first.link.partition("#")[2], cookie.partition("=")[2], given["token"]):
            assert secret not in log
    with serving(tmp_path) as second:
        assert second.link == ""


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["workspace", "create", "local"], 1, "local"),
        (["workspace", "create", "No Slug"], 1, "is no slug"),
        (["credits", "add", "nobody", "5"], 4, "there is no workspace `nobody`"),
        (["credits", "add", "local", "0"], 1, "above $0"),
        (["credits", "add", "local", "much"], 2, "not a valid float"),
        (["key", "create", "nobody"], 4, "there is no workspace `nobody`"),
        (["workspace", "limit", "nobody", "--default"], 4, "there is no workspace `nobody`"),
        (["workspace", "limit", "local", "--concurrency", "0"], 1, "1 to 10,000"),
        (["workspace", "limit", "local"], 2, "--concurrency N or --default"),
        (["workspce", "list"], 2, "did you mean workspace?"),
    ],
)
def test_what_makes_no_sense_is_refused(
    server: Served, arguments: list[str], exit_code: int, said: str
) -> None:
    done = admin(server, *arguments)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert said in done.stderr


def test_a_workspace_is_limited_and_let_go_again(server: Served) -> None:
    limited = admin(server, "workspace", "limit", "local", "--concurrency", "3")
    assert limited.stdout == "local runs at most 3 at once now.\n"
    lifted = admin(server, "workspace", "limit", "local", "--default", "--output", "json")
    assert json.loads(lifted.stdout)["concurrency"] is None


def test_a_folder_without_data_is_told(server: Served, tmp_path: Path) -> None:
    done = server.puras("admin", "workspace", "list", "--data", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "run `puras serve` once" in done.stderr
    assert not (tmp_path / "none").exists()


def test_the_doctor_finds_a_running_server_well(server: Served) -> None:
    done = admin(server, "doctor", "--output", "json")
    assert done.returncode == 0, done.stdout
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert checks["server"]["detail"] == f"runs as process {server.process.pid}"
    assert checks["money"]["state"] == "ok"
    assert {check["state"] for check in checks.values()} <= {"ok", "warn"}


def test_the_doctor_fails_where_something_is_broken(server: Served, tmp_path: Path) -> None:
    done = server.puras("admin", "doctor", "--data", str(tmp_path / "none"))
    assert done.returncode == 1
    assert any(line.startswith("fail\tdatabase\t") for line in done.stdout.splitlines())
    assert "Error: broken: " in done.stderr
    assert not (tmp_path / "none").exists()


def test_secrets_move_to_another_key_or_stay_as_they_are(tmp_path: Path, skills: Path) -> None:
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
    with serving(tmp_path / "home", env={"PURAS_SECRETS_KEY": old}) as served:
        served.puras("deploy", str(skills))
        put = served.puras("secrets", "set", "TOKEN", "--skillpack", "skills", input="a-value")
        assert put.stdout == "Set TOKEN.\n", put.stderr
        command = ("admin", "secrets", "rotate", "--data", str(served.data))
        refused = served.puras(*command, "--output", "json", env={"PURAS_SECRETS_KEY": new})
        assert refused.returncode == 1
        assert json.loads(refused.stderr)["code"] == "secrets_unreadable"
        both = {"PURAS_SECRETS_KEY": f"{new},{old}"}
        assert served.puras(*command, env=both).stdout == "Encrypted 1 secret anew.\n"
        assert served.puras(*command, env=both).stdout == "Encrypted 0 secrets anew.\n"
