"""What every storage must do, on each that there is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.storage.cache import Cache
from puras.server.storage.disk import DiskStorage
from puras.server.storage.port import Storage, TooLarge
from puras.server.storage.s3 import S3Storage, open_bucket

_PART = 1 << 20


@pytest.fixture(params=["disk", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    incoming = tmp_path / "incoming"
    if request.param == "disk":
        return DiskStorage(tmp_path / "files", incoming=incoming)
    url = request.getfixturevalue("bucket_url")
    cache = Cache(tmp_path / "cache", incoming=incoming, limit=64 * _PART)
    return S3Storage(open_bucket(url, environment=os.environ), cache=cache)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def broken(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(_PART)
    raise ConnectionError("the client hung up")


async def content(storage: Storage, name: str) -> bytes | None:
    path = await storage.local_path(name)
    return None if path is None else path.read_bytes()


async def names(storage: Storage) -> set[str]:
    return {stored.name async for stored in storage.listing()}


async def test_written_bytes_are_found_under_their_name(storage: Storage) -> None:
    assert await storage.write("drive/w/x", chunks(b"ab", b"", b"c"), limit=3) == 3
    assert await content(storage, "drive/w/x") == b"abc"
    assert await storage.size("drive/w/x") == 3


async def test_a_file_of_no_bytes_is_a_file(storage: Storage) -> None:
    assert await storage.write("a", chunks(), limit=0) == 0
    assert await content(storage, "a") == b""
    assert await storage.size("a") == 0


async def test_a_large_file_comes_back_whole(storage: Storage) -> None:
    parts = [os.urandom(_PART) for _ in range(20)]
    assert await storage.write("a", chunks(*parts), limit=20 * _PART) == 20 * _PART
    assert await content(storage, "a") == b"".join(parts)


@pytest.mark.parametrize("size", [4, 20 * _PART])
async def test_a_write_over_the_limit_keeps_the_old_bytes(storage: Storage, size: int) -> None:
    await storage.write("a", chunks(b"old"), limit=10)
    pieces = chunks(*[bytes(_PART)] * (size // _PART), b"4", b"567")
    with pytest.raises(TooLarge):
        await storage.write("a", pieces, limit=size - 1)
    assert await content(storage, "a") == b"old"
    assert await names(storage) == {"a"}


@pytest.mark.parametrize("count", [1, 20])
async def test_a_write_that_breaks_off_keeps_the_old_bytes(storage: Storage, count: int) -> None:
    await storage.write("a", chunks(b"old"), limit=10)
    with pytest.raises(ConnectionError):
        await storage.write("a", broken(count), limit=100 * _PART)
    assert await content(storage, "a") == b"old"
    assert await names(storage) == {"a"}


async def test_a_cancelled_write_leaves_nothing(storage: Storage) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield bytes(_PART)
        begun.set()
        await go_on.wait()
        yield b"more"

    task = asyncio.create_task(storage.write("a", slow(), limit=100 * _PART))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await storage.write("b", chunks(b"after it"), limit=100)
    assert await names(storage) == {"b"}


async def test_a_second_write_replaces_the_first(storage: Storage) -> None:
    await storage.write("a", chunks(b"old"), limit=10)
    assert await content(storage, "a") == b"old"
    await storage.write("a", chunks(b"new and longer"), limit=100)
    assert await content(storage, "a") == b"new and longer"


async def test_who_has_opened_a_file_keeps_its_bytes(storage: Storage) -> None:
    await storage.write("a", chunks(b"old"), limit=10)
    path = await storage.local_path("a")
    assert path is not None
    with path.open("rb") as file:
        await storage.write("a", chunks(b"new"), limit=10)
        await storage.delete("a")
        assert file.read() == b"old"


async def test_an_adopted_file_is_left_to_its_owner(storage: Storage, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"abc")
    assert await storage.adopt("bundles/x.zip", file) == 3
    assert file.read_bytes() == b"abc"
    file.unlink()
    assert await content(storage, "bundles/x.zip") == b"abc"


async def test_a_link_is_not_adopted(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="not a file"):
        await storage.adopt("a", tmp_path / "link")
    assert await names(storage) == set()


async def test_local_bytes_can_be_read_by_the_server_alone(storage: Storage) -> None:
    await storage.write("a", chunks(b"abc"), limit=10)
    path = await storage.local_path("a")
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600


async def test_nothing_is_none_and_deleting_it_is_no_error(storage: Storage) -> None:
    assert await storage.size("a/b") is None
    assert await storage.local_path("a/b") is None
    await storage.delete("a/b")
    await storage.write("a/b", chunks(b"x"), limit=1)
    assert await content(storage, "a/b") == b"x"
    await storage.delete("a/b")
    assert await storage.size("a/b") is None
    assert await storage.local_path("a/b") is None


async def test_a_listing_of_a_folder_names_what_is_in_it(storage: Storage) -> None:
    for name in ("working/a/1", "working/b/2", "workingx", "drive/working/3"):
        await storage.write(name, chunks(b"1"), limit=5)
    found = {stored.name async for stored in storage.listing("working/")}
    assert found == {"working/a/1", "working/b/2"}
    assert [stored async for stored in storage.listing("nothing/")] == []


async def test_a_listing_names_everything_with_its_size(storage: Storage) -> None:
    assert await names(storage) == set()
    await storage.write("bundles/x.zip", chunks(b"12345"), limit=5)
    await storage.write("drive/w/y", chunks(b"1"), limit=5)
    found = {stored.name: stored async for stored in storage.listing()}
    assert {name: stored.size_bytes for name, stored in found.items()} == {
        "bundles/x.zip": 5,
        "drive/w/y": 1,
    }
    written = (await storage.local_path("drive/w/y") or Path()).stat().st_mtime
    assert abs(found["drive/w/y"].changed - written) < 60


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "../a", "a/../b", ".a", "a//b", "a\0", "a\n", "é"]
)
async def test_what_is_no_name_is_refused_everywhere(
    storage: Storage, name: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no name"):
        await storage.write(name, chunks(b"x"), limit=1)
    with pytest.raises(ValueError, match="no name"):
        await storage.local_path(name)
    with pytest.raises(ValueError, match="no name"):
        await storage.size(name)
    with pytest.raises(ValueError, match="no name"):
        await storage.delete(name)
