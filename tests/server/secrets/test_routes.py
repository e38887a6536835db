"""Setting, listing and deleting secrets; no answer ever shows a value."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from puras.server.keys.fences import Fences
from puras.wire import MAX_SECRET_BYTES, MAX_SECRETS

from ..jobs.bench import ECHO, Bench
from ..support import problem

PATH = "/v1/skillpacks/pack/secrets"


async def put(bench: Bench, name: str, value: str, path: str = PATH) -> httpx2.Response:
    return await bench.client.put(path, json={"name": name, "value": value})


async def test_secrets_are_listed_by_name_without_their_values(bench: Bench) -> None:
    await bench.deploy(ECHO)
    assert (await bench.client.get(PATH)).json() == []
    answers = [await put(bench, name, "a-secret-value") for name in ("B", "A_1", "_C")]
    assert [answer.status_code for answer in answers] == [200] * 3
    listed = await bench.client.get(PATH)
    assert [secret["name"] for secret in listed.json()] == ["A_1", "B", "_C"]
    assert set(listed.json()[0]) == {"name", "updated_at"}
    assert not any("a-secret-value" in answer.text for answer in [*answers, listed])


async def test_a_value_is_not_in_the_database(bench: Bench) -> None:
    await bench.deploy(ECHO)
    await put(bench, "TOKEN", "a-secret-value")
    (row,) = await bench.rows("SELECT * FROM secrets")
    assert b"a-secret-value" not in row["sealed"]
    for file in bench.platform.settings.home.glob("puras.db*"):
        assert b"a-secret-value" not in file.read_bytes()


@pytest.mark.parametrize(
    ("body", "code", "paths"),
    [
        ({"name": "lower", "value": "x"}, "invalid_request", ["$.name"]),
        ({"name": "1A", "value": "x"}, "invalid_request", ["$.name"]),
        ({"name": "A" * 129, "value": "x"}, "invalid_request", ["$.name"]),
        ({"name": "A\n", "value": "x"}, "invalid_request", ["$.name"]),
        ({"name": "PATH", "value": "x"}, "invalid_request", ["$.name"]),
        ({"name": "PURAS_API_KEY", "value": "x"}, "invalid_request", ["$.name"]),
        ({"name": "A", "value": ""}, "invalid_request", ["$.value"]),
        ({"name": "A", "value": "a\0b"}, "invalid_request", ["$.value"]),
        (
            {"name": "A", "value": "é" * (MAX_SECRET_BYTES // 2) + "x"},
            "invalid_request",
            ["$.value"],
        ),
        ({"name": "a", "value": ""}, "invalid_request", ["$.name", "$.value"]),
        ({"name": "A", "value": "x", "note": "y"}, "unknown_field", ["$.note"]),
    ],
)
async def test_what_can_not_be_a_secret_is_refused_with_every_fault(
    bench: Bench, body: dict[str, Any], code: str, paths: list[str]
) -> None:
    await bench.deploy(ECHO)
    answer = await bench.client.put(PATH, json=body)
    assert problem(answer) == (422, code)
    assert [fault["path"] for fault in answer.json()["errors"]] == paths


async def test_a_value_of_64_kib_is_kept(bench: Bench) -> None:
    await bench.deploy(ECHO)
    assert (await put(bench, "A" * 128, "x" * MAX_SECRET_BYTES)).status_code == 200


async def test_a_skillpack_has_a_limited_number_of_secrets(bench: Bench) -> None:
    await bench.deploy(ECHO)
    for number in range(MAX_SECRETS):
        assert (await put(bench, f"S{number}", "value")).status_code == 200
    assert problem(await put(bench, "ONE_MORE", "value")) == (422, "invalid_request")
    assert (await put(bench, "S0", "another")).status_code == 200


async def test_a_secret_is_deleted_once(bench: Bench) -> None:
    await bench.deploy(ECHO)
    await put(bench, "TOKEN", "value")
    assert (await bench.client.delete(f"{PATH}/TOKEN")).status_code == 204
    assert problem(await bench.client.delete(f"{PATH}/TOKEN")) == (404, "secret_not_found")


@pytest.mark.parametrize("public", [False, True])
async def test_the_secrets_of_another_workspace_can_not_be_reached(
    bench: Bench, public: bool
) -> None:
    await bench.deploy(ECHO, public=public)
    stranger = await bench.stranger()
    path = "/v1/skillpacks/local%2Fpack/secrets"
    for method, more in (
        ("GET", {}),
        ("PUT", {"json": {"name": "A", "value": "x"}}),
    ):
        answer = await bench.client.request(method, path, headers=stranger.headers, **more)
        assert problem(answer) == (404, "skillpack_not_found")


async def test_only_a_key_without_fences_may_set_and_delete(bench: Bench) -> None:
    await bench.deploy(ECHO)
    fenced = await bench.mint(fences=Fences(rate_per_minute=9))
    body = {"name": "A", "value": "x"}
    answer = await bench.client.put(PATH, json=body, headers=fenced.headers)
    assert problem(answer) == (403, "key_fenced")
    answer = await bench.client.delete(f"{PATH}/A", headers=fenced.headers)
    assert problem(answer) == (403, "key_fenced")
    assert (await bench.client.get(PATH, headers=fenced.headers)).status_code == 200


async def test_the_secrets_go_with_their_skillpack(bench: Bench) -> None:
    await bench.deploy(ECHO)
    await put(bench, "TOKEN", "value")
    assert (await bench.client.delete("/v1/skillpacks/pack")).status_code == 204
    assert await bench.rows("SELECT * FROM secrets") == []
