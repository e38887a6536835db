from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from puras.server.clock import SECOND
from puras.server.drive.routes import routes
from puras.server.keys.fences import Fences
from puras.server.platform import Platform
from puras.wire import MAX_UPLOAD_BYTES

from ..support import HandClock, Minted, make_workspace, mint, open_platform, problem, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(92))


@pytest.fixture
def clock() -> HandClock:
    return HandClock(1_800_000_000 * SECOND)


@pytest.fixture
async def platform(tmp_path: Path, clock: HandClock) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, clock=clock) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes) as opened:
        yield opened


@pytest.fixture
async def workspace(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def secret(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace)


@pytest.fixture
async def public(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace, kind="publishable")


async def upload(
    client: httpx2.AsyncClient,
    key: Minted,
    data: bytes = PNG,
    *,
    filename: str = "photo.png",
    idempotency_key: str | None = None,
    **fields: str,
) -> httpx2.Response:
    headers = dict(key.headers)
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    return await client.post(
        "/v1/drive/upload", files={"file": (filename, data)}, data=fields, headers=headers
    )


async def signed(client: httpx2.AsyncClient, key: Minted, path: str, **body: Any) -> str:
    answer = await client.post("/v1/drive/sign", json={"path": path, **body}, headers=key.headers)
    assert answer.status_code == 200, answer.text
    parts = urlsplit(answer.json()["signed_url"])
    assert f"{parts.scheme}://{parts.netloc}" == "http://127.0.0.1:8787"
    return parts.path


def no_uploads_left(platform: Platform) -> bool:
    return not list((platform.settings.home / "incoming").glob("*"))


async def test_an_upload_is_kept_under_its_key_and_name(
    client: httpx2.AsyncClient, platform: Platform, secret: Minted
) -> None:
    answer = await upload(client, secret)
    path = f"uploads/{secret.id}/photo.png"
    assert answer.status_code == 200
    assert answer.json() == {"drive_path": path, "size_bytes": 100, "mime": "image/png"}
    read = await client.get(f"/v1/drive/{path}", headers=secret.headers)
    assert (read.status_code, read.content, read.headers["content-type"]) == (200, PNG, "image/png")
    assert no_uploads_left(platform)


async def test_a_secret_key_chooses_the_path_and_may_replace_the_file(
    client: httpx2.AsyncClient, secret: Minted
) -> None:
    for data in (b"one", b"two!"):
        answer = await upload(client, secret, data, filename="x.txt", path="in/a.txt")
        assert answer.json() == {
            "drive_path": "in/a.txt",
            "size_bytes": len(data),
            "mime": "text/plain",
        }
    read = await client.get("/v1/drive/in/a.txt", headers=secret.headers)
    assert read.content == b"two!"


async def test_a_publishable_key_uploads_below_its_own_folder_and_replaces_nothing(
    client: httpx2.AsyncClient, secret: Minted, public: Minted
) -> None:
    own = f"uploads/{public.id}"
    first = (await upload(client, public, b"1", path="in/a.txt")).json()["drive_path"]
    assert first == f"{own}/in/a.txt"
    again = (await upload(client, public, b"2", path="in/a.txt")).json()["drive_path"]
    named = (await upload(client, public, b"3", path=first)).json()["drive_path"]
    assert len({first, again, named}) == 3
    assert all(path.startswith(own) and path.endswith("/in/a.txt") for path in (again, named))
    read = await client.get(f"/v1/drive/{first}", headers=secret.headers)
    assert read.content == b"1"


async def test_a_bad_path_is_refused_and_nothing_is_kept(
    client: httpx2.AsyncClient, platform: Platform, secret: Minted, public: Minted
) -> None:
    for key in (secret, public):
        assert problem(await upload(client, key, path="../x")) == (400, "bad_path")
    assert (await client.get("/v1/drive", headers=secret.headers)).json() == []
    assert no_uploads_left(platform)
    assert not list(platform.settings.files_path.rglob("*"))


async def test_a_body_that_is_no_form_is_refused(
    client: httpx2.AsyncClient, secret: Minted
) -> None:
    answer = await client.post("/v1/drive/upload", json={}, headers=secret.headers)
    assert problem(answer) == (422, "invalid_request")


async def test_an_upload_that_says_it_is_over_two_gibibytes_is_refused_unread(
    client: httpx2.AsyncClient, secret: Minted
) -> None:
    headers = {
        **secret.headers,
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(MAX_UPLOAD_BYTES + (2 << 20)),
    }
    answer = await client.post("/v1/drive/upload", content=b"", headers=headers)
    assert problem(answer) == (413, "too_large")


async def test_a_repeated_upload_is_kept_once(
    client: httpx2.AsyncClient, secret: Minted, public: Minted
) -> None:
    for key in (secret, public):
        first = await upload(client, key, idempotency_key="once")
        again = await upload(client, key, idempotency_key="once")
        assert first.json() == again.json()
        assert again.headers["idempotent-replayed"] == "true"
        other = await upload(client, key, b"other", idempotency_key="once")
        assert problem(other) == (422, "idempotency_mismatch")
    assert len((await client.get("/v1/drive", headers=secret.headers)).json()) == 2


async def test_uploads_at_once_with_one_idempotency_key_keep_one_file(
    client: httpx2.AsyncClient, secret: Minted
) -> None:
    answers = await asyncio.gather(
        *(upload(client, secret, idempotency_key="once") for _ in range(5))
    )
    for answer in answers:
        if answer.status_code != 200:
            assert problem(answer) == (409, "idempotency_in_progress")
    assert any(answer.status_code == 200 for answer in answers)
    assert len((await client.get("/v1/drive", headers=secret.headers)).json()) == 1


async def test_a_refused_upload_may_be_repeated_with_its_idempotency_key(
    client: httpx2.AsyncClient, platform: Platform, secret: Minted
) -> None:
    blocked = platform.settings.files_path
    blocked.write_bytes(b"a file where the folder should be")
    assert (await upload(client, secret, idempotency_key="k")).status_code == 500
    blocked.unlink()
    assert (await upload(client, secret, idempotency_key="k")).status_code == 200


async def test_fenced_keys_may_upload_and_do_nothing_else_with_the_drive(
    client: httpx2.AsyncClient, platform: Platform, workspace: str, public: Minted
) -> None:
    capped = await mint(platform, workspace, fences=Fences(daily_cap_micros=1))
    for key, code in ((public, "key_kind_not_allowed"), (capped, "key_fenced")):
        path = (await upload(client, key)).json()["drive_path"]
        for method, url in (
            ("GET", "/v1/drive"),
            ("GET", f"/v1/drive/{path}"),
            ("DELETE", f"/v1/drive/{path}"),
        ):
            answer = await client.request(method, url, headers=key.headers)
            assert problem(answer) == (403, code)
        answer = await client.post("/v1/drive/sign", json={"path": path}, headers=key.headers)
        assert problem(answer) == (403, code)


async def test_another_workspace_sees_nothing(
    client: httpx2.AsyncClient, platform: Platform, secret: Minted
) -> None:
    await upload(client, secret, path="a.txt")
    stranger = await mint(platform, await make_workspace(platform, "other"))
    for method in ("GET", "DELETE"):
        answer = await client.request(method, "/v1/drive/a.txt", headers=stranger.headers)
        assert problem(answer) == (404, "file_not_found")
    answer = await client.post("/v1/drive/sign", json={"path": "a.txt"}, headers=stranger.headers)
    assert problem(answer) == (404, "file_not_found")
    assert (await client.get("/v1/drive", headers=stranger.headers)).json() == []


async def test_files_are_listed_page_by_page(client: httpx2.AsyncClient, secret: Minted) -> None:
    for path in ("b/1 ü", "b/2", "a", "c"):
        await upload(client, secret, path=path)
    first = await client.get("/v1/drive?limit=1&prefix=b/", headers=secret.headers)
    assert [file["drive_path"] for file in first.json()] == ["b/1 ü"]
    assert set(first.json()[0]) == {"drive_path", "size_bytes", "mime", "created_at"}
    link = first.headers["link"]
    assert link.endswith('rel="next"')
    second = await client.get(link[1 : link.index(">")], headers=secret.headers)
    assert [file["drive_path"] for file in second.json()] == ["b/2"]
    assert "link" not in second.headers
    answer = await client.get("/v1/drive?prefix=../", headers=secret.headers)
    assert problem(answer) == (400, "bad_path")


async def test_a_deleted_file_is_gone_and_its_signed_urls_with_it(
    client: httpx2.AsyncClient, secret: Minted
) -> None:
    await upload(client, secret, path="a.txt")
    url = await signed(client, secret, "a.txt")
    answer = await client.delete("/v1/drive/a.txt", headers=secret.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "DELETE"):
        answer = await client.request(method, "/v1/drive/a.txt", headers=secret.headers)
        assert problem(answer) == (404, "file_not_found")
    assert problem(await client.get(url)) == (404, "file_not_found")


@pytest.mark.parametrize("ttl", [29, 30 * 86_400 + 1, 0, -1])
async def test_a_ttl_out_of_range_is_refused(
    client: httpx2.AsyncClient, secret: Minted, ttl: int
) -> None:
    await upload(client, secret, path="a.txt")
    answer = await client.post(
        "/v1/drive/sign", json={"path": "a.txt", "ttl": ttl}, headers=secret.headers
    )
    assert problem(answer) == (422, "invalid_request")
    assert answer.json()["errors"][0]["path"] == "$.ttl"


async def test_signing_tells_path_and_validity(client: httpx2.AsyncClient, secret: Minted) -> None:
    await upload(client, secret, path="a.txt")
    answer = await client.post("/v1/drive/sign", json={"path": "a.txt"}, headers=secret.headers)
    assert (answer.json()["path"], answer.json()["expires_in"]) == ("a.txt", 3600)
    for path, refusal in (("b", (404, "file_not_found")), ("/a", (400, "bad_path"))):
        answer = await client.post("/v1/drive/sign", json={"path": path}, headers=secret.headers)
        assert problem(answer) == refusal


async def test_a_signed_url_is_read_without_a_key_until_it_expires(
    client: httpx2.AsyncClient, secret: Minted, clock: HandClock
) -> None:
    await upload(client, secret, path="bilder/ä b%2F?#.png")
    url = await signed(client, secret, "bilder/ä b%2F?#.png", ttl=30)
    answer = await client.get(url)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert {
        name: answer.headers[name]
        for name in (
            "content-type",
            "content-length",
            "content-security-policy",
            "x-content-type-options",
            "cross-origin-resource-policy",
            "accept-ranges",
            "access-control-allow-origin",
            "content-disposition",
        )
    } == {
        "content-type": "image/png",
        "content-length": "100",
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin",
        "accept-ranges": "bytes",
        "access-control-allow-origin": "*",
        "content-disposition": "inline; filename*=UTF-8''%C3%A4%20b%252F%3F%23.png",
    }
    clock.moment += 30 * SECOND
    assert problem(await client.get(url)) == (403, "bad_signature")


async def test_a_changed_signed_url_is_refused(client: httpx2.AsyncClient, secret: Minted) -> None:
    for path in ("a.txt", "b.txt"):
        await upload(client, secret, path=path)
    url = await signed(client, secret, "a.txt")
    for changed in (url.replace("a.txt", "b.txt"), url[:-1], url + "/", "/v1/files/x"):
        assert problem(await client.get(changed)) == (403, "bad_signature")


async def test_head_tells_of_a_file_without_its_bytes(
    client: httpx2.AsyncClient, secret: Minted
) -> None:
    await upload(client, secret, path="a.png")
    url = await signed(client, secret, "a.png")
    whole, head = await client.get(url), await client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified"):
        assert head.headers[name] == whole.headers[name]
    part = await client.head(url, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["content-length"]) == (200, "100")


async def test_ranges_of_a_signed_file(client: httpx2.AsyncClient, secret: Minted) -> None:
    await upload(client, secret, path="a.png")
    url = await signed(client, secret, "a.png")
    answer = await client.get(url, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, PNG[10:20])
    assert answer.headers["content-range"] == "bytes 10-19/100"
    answer = await client.get(url, headers={"Range": "bytes=-5"})
    assert answer.content == PNG[-5:]
    answer = await client.get(url, headers={"Range": "bytes=100-"})
    assert problem(answer) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */100"


async def test_a_known_version_is_not_sent_again(
    client: httpx2.AsyncClient, secret: Minted, clock: HandClock
) -> None:
    await upload(client, secret, path="a.txt")
    url = await signed(client, secret, "a.txt")
    etag = (await client.get(url)).headers["etag"]
    answer = await client.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    clock.moment += SECOND
    await upload(client, secret, b"new", path="a.txt")
    answer = await client.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (200, b"new")


async def test_a_page_in_disguise_is_a_download(client: httpx2.AsyncClient, secret: Minted) -> None:
    await upload(client, secret, b"<script>", filename="a.svg", path="a.svg")
    answer = await client.get(await signed(client, secret, "a.svg"))
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a.svg"
    assert answer.headers["content-type"] == "image/svg+xml"


async def test_a_large_file_arrives_whole(
    client: httpx2.AsyncClient, platform: Platform, secret: Minted
) -> None:
    data = hashlib.sha256(b"seed").digest() * 100_000
    await upload(client, secret, data, path="big.bin")
    answer = await client.get("/v1/drive/big.bin", headers=secret.headers)
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(data).digest()
    assert no_uploads_left(platform)
