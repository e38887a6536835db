from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puras.server.storage.disk import DiskStorage
from puras.server.storage.port import TooLarge


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "files", incoming=tmp_path / "incoming")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def broken() -> AsyncIterator[bytes]:
    yield b"half"
    raise ConnectionError("the client hung up")


def all_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_written_bytes_are_found_under_their_name(storage: DiskStorage) -> None:
    assert await storage.write("drive/w/x", chunks(b"ab", b"c"), limit=3) == 3
    path = await storage.local_path("drive/w/x")
    assert path is not None
    assert path.read_bytes() == b"abc"
    assert path.stat().st_mode & 0o777 == 0o600
    assert await storage.size("drive/w/x") == 3


async def test_a_write_over_the_limit_keeps_the_old_bytes_and_no_draft(
    storage: DiskStorage, tmp_path: Path
) -> None:
    await storage.write("a", chunks(b"old"), limit=10)
    with pytest.raises(TooLarge):
        await storage.write("a", chunks(b"123", b"4"), limit=3)
    assert (tmp_path / "files/a").read_bytes() == b"old"
    assert all_files(tmp_path) == {"files/a"}


async def test_a_write_that_breaks_off_keeps_the_old_bytes_and_no_draft(
    storage: DiskStorage, tmp_path: Path
) -> None:
    await storage.write("a", chunks(b"old"), limit=10)
    with pytest.raises(ConnectionError):
        await storage.write("a", broken(), limit=10)
    assert (tmp_path / "files/a").read_bytes() == b"old"
    assert all_files(tmp_path) == {"files/a"}


async def test_an_adopted_file_is_left_to_its_owner(storage: DiskStorage, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"abc")
    file.chmod(0o666)
    assert await storage.adopt("bundles/x.zip", file) == 3
    file.unlink()
    assert all_files(tmp_path) == {"files/bundles/x.zip"}
    assert (tmp_path / "files/bundles/x.zip").read_bytes() == b"abc"
    assert (tmp_path / "files/bundles/x.zip").stat().st_mode & 0o777 == 0o600


async def test_a_file_on_another_file_system_is_copied_in(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system to write to")
    storage = DiskStorage(tmp_path / "files", incoming=tmp_path / "incoming")
    file = elsewhere / f"puras-test-{os.getpid()}"
    file.write_bytes(b"abc")
    try:
        assert await storage.adopt("a", file) == 3
    finally:
        file.unlink()
    assert (tmp_path / "files/a").read_bytes() == b"abc"


async def test_a_link_is_not_adopted_and_not_read(storage: DiskStorage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="not a file"):
        await storage.adopt("a", link)
    (tmp_path / "files").mkdir()
    (tmp_path / "files/b").symlink_to(tmp_path / "secret")
    assert await storage.local_path("b") is None
    assert await storage.size("b") is None


async def test_nothing_is_none_and_deleting_it_is_no_error(storage: DiskStorage) -> None:
    assert await storage.size("a/b") is None
    assert await storage.local_path("a/b") is None
    await storage.delete("a/b")
    await storage.write("a/b", chunks(b"x"), limit=1)
    await storage.delete("a/b")
    assert await storage.size("a/b") is None


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "../a", "a/../b", ".a", "a//b", "a\0", "a\n", "é"]
)
async def test_what_is_no_name_never_becomes_a_path(storage: DiskStorage, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        await storage.local_path(name)
