"""`skillpacks`: list, create, show, change, delete."""

from __future__ import annotations

import json

from .conftest import Run
from .loopback import Loopback, an_id


def test_skillpacks_are_listed_as_columns_parted_by_tabs(puras: Run, server: Loopback) -> None:
    server.add_skillpack("one")
    server.add_skillpack("two", public=True, active_deployment_id=an_id(1))
    assert puras("skillpacks").stdout.splitlines() == [
        "two\ttwo\tyes\tyes\t2026-11-25 12:00:00",
        "one\tone\tno\tno\t2026-11-25 12:00:00",
    ]
    assert puras("skillpacks").stdout == puras("skillpacks", "list").stdout


def test_a_list_of_many_pages_is_read_to_its_end(puras: Run, server: Loopback) -> None:
    for number in range(450):
        server.add_skillpack(f"pack-{number}")
    listed = json.loads(puras("skillpacks", "--output", "json").stdout)
    assert [pack["slug"] for pack in listed] == [f"pack-{n}" for n in reversed(range(450))]
    assert len(server.asked("GET", "/v1/skillpacks")) == 3


def test_no_skillpacks_is_a_note_and_not_a_result(puras: Run) -> None:
    result = puras("skillpacks")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "No skillpacks yet" in result.stderr
    assert json.loads(puras("skillpacks", "--output", "json").stdout) == []


def test_create_takes_the_slug_as_the_name(puras: Run, server: Loopback) -> None:
    assert puras("skillpacks", "create", "greetings").exit_code == 0
    assert server.seen[-1].json == {"name": "greetings", "slug": "greetings", "public": False}
    puras("skillpacks", "create", "b", "--name", "B", "--description", "d", "--public")
    assert server.seen[-1].json == {"name": "B", "slug": "b", "public": True, "description": "d"}


def test_a_taken_slug_is_a_failure(puras: Run, server: Loopback) -> None:
    server.refuse("POST /v1/skillpacks", 409, "slug_taken")
    result = puras("skillpacks", "create", "greetings")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "slug_taken" in result.stderr


def test_show_writes_every_field(puras: Run, server: Loopback) -> None:
    pack = server.add_skillpack("greetings", description="Says hello.")
    result = puras("skillpacks", "show", "greetings")
    assert "id                 " + pack["id"] in result.stdout
    assert "Says hello." in result.stdout


def test_an_unknown_skillpack_is_not_found(puras: Run) -> None:
    result = puras("skillpacks", "show", "nope")
    assert result.exit_code == 4
    assert "Next: list your skillpacks: puras skillpacks" in result.stderr


def test_a_servers_near_names_reach_the_user(puras: Run, server: Loopback) -> None:
    detail = "there is no skillpack `greting`; did you mean `greetings`?"
    server.refuse("GET /v1/skillpacks/greting", 404, "skillpack_not_found", detail=detail)
    assert f"Error: {detail}" in puras("skillpacks", "show", "greting").stderr


def test_a_reference_is_one_segment_of_the_path(puras: Run, server: Loopback) -> None:
    puras("skillpacks", "show", "acme/greetings")
    assert server.seen[-1].target == "/v1/skillpacks/acme%2Fgreetings"


def test_update_sends_what_is_named_and_nothing_else(puras: Run, server: Loopback) -> None:
    server.add_skillpack("greetings")
    puras("skillpacks", "update", "greetings", "--public")
    assert server.seen[-1].json == {"public": True}
    puras("skillpacks", "update", "greetings", "--description", "", "--slug", "hi", "--name", "Hi")
    assert server.seen[-1].json == {"slug": "hi", "name": "Hi", "description": None}


def test_update_with_nothing_to_change_is_a_usage_error(puras: Run, server: Loopback) -> None:
    assert puras("skillpacks", "update", "greetings").exit_code == 2
    assert server.seen == []


def test_delete_asks_first(puras: Run, server: Loopback) -> None:
    server.add_skillpack("greetings")
    refused = puras("skillpacks", "delete", "greetings", input="n\n")
    assert (refused.exit_code, len(server.skillpacks)) == (130, 1)
    assert puras("skillpacks", "delete", "greetings", "--yes").stdout == "Deleted greetings.\n"
    assert server.skillpacks == []


def test_delete_tells_that_jobs_are_at_work(puras: Run, server: Loopback) -> None:
    server.refuse("DELETE /v1/skillpacks/greetings", 409, "deployment_in_use")
    assert puras("skillpacks", "delete", "greetings", "-y").exit_code == 1
