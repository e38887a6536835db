from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from puras.server import compose
from puras.server.settings import BadSetting, Settings
from puras.server.storage.cache import Cache
from puras.server.storage.port import StorageUnavailable
from puras.server.storage.s3 import S3Storage, open_bucket


def open_storage(url: str, folder: Path, *, limit: int = 1 << 20) -> S3Storage:
    cache = Cache(folder / "cache", incoming=folder / "incoming", limit=limit)
    return S3Storage(open_bucket(url, environment=os.environ), cache=cache)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def copies(folder: Path) -> list[Path]:
    return [path for path in (folder / "cache").rglob("*") if path.is_file()]


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_objects_lie_below_the_prefix_with_the_headers_a_browser_needs(
    bucket_url: str, s3_endpoint: str, tmp_path: Path
) -> None:
    headers = {
        "Content-Type": "image/png",
        "Content-Disposition": "inline; filename*=UTF-8''a%20b.png",
        "Cache-Control": "private, no-cache",
    }
    storage = open_storage(bucket_url, tmp_path)
    await storage.write("drive/w/x", chunks(b"abc"), limit=3, headers=headers)
    (tmp_path / "y").write_bytes(b"y")
    await storage.adopt("drive/w/y", tmp_path / "y", headers=headers)
    bucket = urlsplit(bucket_url).netloc
    for name in ("x", "y"):
        url = await storage.signed_url(f"drive/w/{name}", seconds=60)
        assert url.startswith(f"{s3_endpoint}/{bucket}/some/prefix/drive/w/{name}?")
        answer = httpx2.get(url)
        assert answer.status_code == 200
        assert {key: answer.headers[key] for key in headers} == headers


async def test_an_upload_that_breaks_off_leaves_no_parts_that_cost_money(
    bucket_url: str, s3_endpoint: str, tmp_path: Path
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(1 << 20)
        raise ConnectionError("the client hung up")

    with pytest.raises(ConnectionError):
        await open_storage(bucket_url, tmp_path).write("a", broken(), limit=1 << 30)
    uploads = httpx2.get(f"{s3_endpoint}/{urlsplit(bucket_url).netloc}?uploads")
    assert uploads.status_code == 200
    assert "<UploadId>" not in uploads.text


async def test_ten_readers_share_one_copy(bucket_url: str, tmp_path: Path) -> None:
    storage = open_storage(bucket_url, tmp_path)
    await storage.write("a", chunks(b"abc"), limit=3)
    paths = await asyncio.gather(*[storage.local_path("a") for _ in range(10)])
    assert {path.read_bytes() for path in paths if path} == {b"abc"}
    assert copies(tmp_path) == [paths[0]]


async def test_a_cancelled_reader_leaves_the_copy_to_the_others(
    bucket_url: str, tmp_path: Path
) -> None:
    storage = open_storage(bucket_url, tmp_path)
    await storage.write("a", chunks(bytes(1 << 20)), limit=1 << 20)
    first, second = (asyncio.create_task(storage.local_path("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    path = await second
    assert path is not None
    assert path.stat().st_size == 1 << 20


async def test_a_copy_goes_with_what_it_copies(bucket_url: str, tmp_path: Path) -> None:
    storage = open_storage(bucket_url, tmp_path)
    await storage.write("a", chunks(b"abc"), limit=3)
    assert await storage.local_path("a")
    await storage.delete("a")
    assert copies(tmp_path) == []


async def test_what_another_server_writes_is_seen_at_once(bucket_url: str, tmp_path: Path) -> None:
    here, there = (open_storage(bucket_url, tmp_path / place) for place in ("here", "there"))
    await there.write("a", chunks(b"old"), limit=3)
    assert (await here.local_path("a") or Path()).read_bytes() == b"old"
    await there.write("a", chunks(b"new"), limit=3)
    assert (await here.local_path("a") or Path()).read_bytes() == b"new"
    await there.delete("a")
    assert await here.local_path("a") is None


async def test_a_probe_of_a_good_bucket_leaves_nothing(bucket_url: str, tmp_path: Path) -> None:
    storage = open_storage(bucket_url, tmp_path)
    await storage.probe()
    assert [stored async for stored in storage.listing()] == []


async def test_a_missing_bucket_is_named_as_the_fault(bucket_url: str, tmp_path: Path) -> None:
    storage = open_storage("s3://there-is-none", tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    for attempt in (
        storage.probe(),
        storage.check(),
        storage.write("a", chunks(b"x"), limit=1),
        storage.adopt("a", tmp_path / "file"),
    ):
        with pytest.raises(StorageUnavailable, match="bucket"):
            await attempt
    with pytest.raises(BadSetting, match="there-is-none"):
        async with compose.running(
            Settings(home=tmp_path / "home", storage_url="s3://there-is-none"), grace=1
        ):
            pass


async def test_a_server_that_is_away_is_unavailable_at_every_call(
    bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_port()}")
    storage = open_storage(bucket_url, tmp_path)
    for attempt in (
        storage.size("a"),
        storage.local_path("a"),
        storage.delete("a"),
        storage.write("a", chunks(b"x"), limit=1),
        storage.check(),
    ):
        with pytest.raises(StorageUnavailable, match="can't"):
            await attempt


@pytest.mark.parametrize("url", ["https://x/y", "s3://", "s3:bucket", "/tmp/x", "s3://b?x=1"])
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="s3://bucket/prefix"):
        open_bucket(url, environment={})
