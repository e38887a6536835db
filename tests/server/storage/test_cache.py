from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.storage.cache import Cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", incoming=tmp_path / "incoming", limit=25)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def unused_for(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


async def test_a_copy_is_found_by_name_and_version(cache: Cache) -> None:
    path = await cache.fill("drive/w/x", chunks(b"ab", b"c"), version='"1"')
    assert path.read_bytes() == b"abc"
    assert cache.find("drive/w/x", version='"1"') == path
    assert cache.find("drive/w/x", version='"2"') is None
    assert cache.find("drive/w/y", version='"1"') is None


async def test_a_copy_that_breaks_off_is_none(cache: Cache, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await cache.fill("a", broken(), version="1")
    assert cache.find("a", version="1") is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_the_copy_that_was_not_used_for_longest_goes_first(cache: Cache) -> None:
    for age, name in ((300, "a"), (200, "b")):
        unused_for(await cache.fill(name, chunks(b"0123456789"), version="1"), age)
    assert cache.find("a", version="1")  # used again
    await cache.fill("c", chunks(b"0123456789"), version="1")
    assert cache.find("b", version="1") is None
    assert cache.find("a", version="1")
    assert cache.find("c", version="1")


async def test_what_was_just_used_stays_even_over_the_limit(cache: Cache) -> None:
    for name in ("a", "b", "c", "d"):
        await cache.fill(name, chunks(b"0123456789"), version="1")
    assert all(cache.find(name, version="1") for name in ("a", "b", "c", "d"))


async def test_copies_of_an_earlier_start_count(cache: Cache, tmp_path: Path) -> None:
    for name in ("a", "b"):
        unused_for(await cache.fill(name, chunks(b"0123456789"), version="1"), 300)
    again = Cache(tmp_path / "cache", incoming=tmp_path / "incoming", limit=25)
    await again.fill("c", chunks(b"0123456789"), version="1")
    assert sum(again.find(name, version="1") is not None for name in ("a", "b")) == 1


async def test_a_dropped_name_is_gone_in_every_version(cache: Cache) -> None:
    for version in ("1", "2"):
        await cache.fill("a", chunks(b"x"), version=version)
    cache.drop("a")
    cache.drop("never there")
    assert cache.find("a", version="1") is None
    assert cache.find("a", version="2") is None
