"""What a version is made of, and how it differs from another."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from puras.server.deployments.files import as_text
from puras.server.deployments.routes import routes
from puras.server.deployments.showing import routes as showing
from puras.server.platform import Platform
from puras.server.skillpacks.routes import routes as skillpack_routes
from puras.wire import MAX_SHOWN_FILE_BYTES

from ..support import Minted, make_workspace, mint, problem, serving
from .conftest import CODE, SKILL, bundle

FIRST = {
    "hello/skill.yaml": SKILL,
    "hello/main.py": CODE,
    "hello/old name.txt": "old",
    "hello/ä.txt": "ä",
}
SECOND = {"hello/skill.yaml": SKILL, "hello/main.py": CODE + "# 2", "hello/new.bin": b"\0\1"}


@pytest.fixture
async def client(platform: Platform, key: Minted) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes, skillpack_routes, showing) as opened:
        opened.headers.update(key.headers)
        made = await opened.post("/v1/skillpacks", json={"name": "pack", "slug": "pack"})
        assert made.status_code == 201, made.text
        yield opened


async def deploy(client: httpx2.AsyncClient, files: dict[str, Any]) -> str:
    answer = await client.post(
        "/v1/skillpacks/pack/deployments", files={"bundle": ("b.zip", bundle(files))}
    )
    assert answer.status_code == 201, answer.text
    return f"/v1/skillpacks/pack/deployments/{answer.json()['id']}/files"


async def test_a_version_lists_its_files_with_size_and_hash(client: httpx2.AsyncClient) -> None:
    told = (await client.get(await deploy(client, FIRST))).json()
    assert (told["version"], told["base_version"]) == (1, None)
    assert told["files"] == [
        {
            "path": path,
            "size_bytes": len(FIRST[path].encode()),
            "sha256": hashlib.sha256(FIRST[path].encode()).hexdigest(),
        }
        for path in sorted(FIRST)
    ]


async def test_next_to_another_version_it_is_told_what_changed(client: httpx2.AsyncClient) -> None:
    await deploy(client, FIRST)
    path = await deploy(client, SECOND)
    told = (await client.get(path, params={"base": 1})).json()
    assert (told["version"], told["base_version"]) == (2, 1)
    assert {file["path"]: file["change"] for file in told["files"]} == {
        "hello/main.py": "changed",
        "hello/new.bin": "added",
        "hello/old name.txt": "removed",
        "hello/skill.yaml": "same",
        "hello/ä.txt": "removed",
    }
    removed = next(file for file in told["files"] if file["path"] == "hello/old name.txt")
    assert removed["size_bytes"] == 3


async def test_a_version_can_be_compared_with_a_later_one(client: httpx2.AsyncClient) -> None:
    path = await deploy(client, FIRST)
    await deploy(client, SECOND)
    told = (await client.get(path, params={"base": 2})).json()
    assert [f["path"] for f in told["files"] if f["change"] == "removed"] == ["hello/new.bin"]


async def test_a_version_that_is_not_there_can_not_be_compared_with(
    client: httpx2.AsyncClient,
) -> None:
    path = await deploy(client, FIRST)
    answer = await client.get(path, params={"base": 9})
    assert problem(answer) == (404, "version_not_found")
    assert problem(await client.get(path, params={"base": "x"})) == (422, "invalid_request")


async def test_a_file_is_shown_as_text(client: httpx2.AsyncClient) -> None:
    path = await deploy(client, FIRST)
    for name in ("hello/main.py", "hello/old name.txt", "hello/ä.txt"):
        told = (await client.get(f"{path}/{name}")).json()
        assert (told["path"], told["text"], told["truncated"]) == (name, FIRST[name], False)


async def test_what_is_no_text_is_not_shown(client: httpx2.AsyncClient) -> None:
    told = (await client.get(f"{await deploy(client, SECOND)}/hello/new.bin")).json()
    assert (told["text"], told["size_bytes"]) == (None, 2)


async def test_of_a_long_file_the_beginning_is_shown(client: httpx2.AsyncClient) -> None:
    text = "x" + "é" * MAX_SHOWN_FILE_BYTES
    path = await deploy(client, FIRST | {"hello/long.txt": text})
    told = (await client.get(f"{path}/hello/long.txt")).json()
    assert told["truncated"] is True
    assert told["size_bytes"] == len(text.encode())
    assert text.startswith(told["text"])
    assert len(told["text"].encode()) >= MAX_SHOWN_FILE_BYTES - 3


@pytest.mark.parametrize(
    "name", ["gone.txt", "hello", "hello/../hello/main.py", "..%2f..%2fpuras.db", "%2fetc%2fpasswd"]
)
async def test_no_other_file_is_shown(client: httpx2.AsyncClient, name: str) -> None:
    path = await deploy(client, FIRST)
    answer = await client.get(f"{path}/{name.replace('..', '%2e%2e')}")
    assert problem(answer) == (404, "file_not_found")


async def test_a_version_of_another_workspace_does_not_exist(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    path = await deploy(client, FIRST)
    stranger = await mint(platform, await make_workspace(platform, "other"))
    for each in (path, f"{path}/hello/main.py"):
        answer = await client.get(each, headers=stranger.headers)
        assert problem(answer) == (404, "skillpack_not_found")


def test_a_character_that_was_cut_is_left_out_and_any_other_bad_byte_is_no_text() -> None:
    whole = "aé".encode()
    assert as_text(whole, truncated=False) == "aé"
    assert as_text(whole[:-1], truncated=True) == "a"
    assert as_text(whole[:-1], truncated=False) is None
    assert as_text(b"\xffabcdef", truncated=True) is None
