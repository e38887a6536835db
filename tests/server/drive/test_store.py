from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from puras.server.clock import now
from puras.server.db.database import Database, Transaction, Unsure
from puras.server.drive.store import Drive, Origin, PathTaken, storage_names
from puras.server.refusals import Refused
from puras.server.storage.disk import DiskStorage
from puras.server.workspaces import store as workspaces


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def drive(db: Database, files: Path, tmp_path: Path) -> Drive:
    return Drive(DiskStorage(files, incoming=tmp_path / "incoming"), db=db, clock=now)


@pytest.fixture
async def home(db: Database) -> str:
    made = await db.write(
        lambda tx: workspaces.create(tx, slug="w", name="W", grant_micros=0, now=1)
    )
    return made.id


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def kept(db: Database, files: Path) -> bool:
    """Tell whether the bytes on disk are exactly those that rows know."""
    found = {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()}
    return found == await db.read(storage_names)


async def test_a_written_file_is_read_back(drive: Drive, home: str) -> None:
    made = await drive.write(home, "a/b.png", chunks=chunks(b"ab", b"cd"), origin=Origin("k", "j"))
    assert (made.size_bytes, made.mime, made.key_id, made.job_id) == (4, "image/png", "k", "j")
    opened = await drive.open(home, "a/b.png")
    assert opened.file == made == await drive.stat(home, "a/b.png")
    assert opened.local.read_bytes() == b"abcd"


async def test_a_path_may_be_a_file_and_a_folder(drive: Drive, home: str) -> None:
    for path in ("a", "a/b", "a/b/c", "x" * 1024):
        await drive.write(home, path, chunks=chunks(path.encode()), origin=Origin())
        assert (await drive.open(home, path)).local.read_bytes() == path.encode()


async def test_a_second_write_replaces_the_bytes_and_drops_the_old_ones(
    drive: Drive, home: str, db: Database, files: Path
) -> None:
    first = await drive.write(home, "a", chunks=chunks(b"old"), origin=Origin())
    _, stream = await drive.stream(home, "a")
    second = await drive.write(home, "a", chunks=chunks(b"new"), origin=Origin())
    with stream:
        assert stream.read() == b"old"
    assert (await drive.open(home, "a")).local.read_bytes() == b"new"
    assert first.blob != second.blob
    assert await kept(db, files)


async def test_a_path_that_may_not_be_replaced_is_left_alone(
    drive: Drive, home: str, db: Database, files: Path
) -> None:
    await drive.write(home, "a", chunks=chunks(b"old"), origin=Origin())
    with pytest.raises(PathTaken):
        await drive.write(home, "a", chunks=chunks(b"new"), origin=Origin(replace=False))
    assert (await drive.open(home, "a")).local.read_bytes() == b"old"
    assert await kept(db, files)


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    drive: Drive, home: str, db: Database, files: Path
) -> None:
    with pytest.raises(Refused, match="too_large") as refusal:
        await drive.write(home, "a", chunks=chunks(b"abc", b"d"), origin=Origin(), limit=3)
    assert refusal.value.status == 413
    assert await drive.stat(home, "a") is None
    assert await kept(db, files)


async def test_a_fence_that_raises_undoes_the_write(
    drive: Drive, home: str, db: Database, files: Path
) -> None:
    async def fenced_off(tx: Transaction) -> None:
        raise LookupError("another attempt has the job")

    await drive.write(home, "a", chunks=chunks(b"old"), origin=Origin())
    with pytest.raises(LookupError):
        await drive.write(home, "a", chunks=chunks(b"new"), origin=Origin(), fence=fenced_off)
    assert (await drive.open(home, "a")).local.read_bytes() == b"old"
    assert await kept(db, files)


async def test_a_finished_file_is_taken_in(drive: Drive, home: str, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(b"abc")
    made = await drive.adopt(home, "a.txt", file=file, origin=Origin(declared_mime="text/x"))
    file.unlink()
    assert (made.size_bytes, made.mime) == (3, "text/x")
    assert (await drive.open(home, "a.txt")).local.read_bytes() == b"abc"


async def test_many_writers_of_one_path_leave_one_whole_version(
    drive: Drive, home: str, db: Database, files: Path
) -> None:
    versions = [bytes([65 + n]) * 1000 for n in range(12)]
    await asyncio.gather(
        *(
            drive.write(home, "a", chunks=chunks(v[:500], v[500:]), origin=Origin())
            for v in versions
        )
    )
    file, stream = await drive.stream(home, "a")
    with stream:
        assert stream.read() in versions
    assert file.size_bytes == 1000
    assert await kept(db, files)


async def test_files_are_listed_by_path_within_their_workspace(drive: Drive, home: str) -> None:
    for path in ("b/2", "a", "b/1", "b", "b-x", "c", "b/\U0001f600"):
        await drive.write(home, path, chunks=chunks(b""), origin=Origin())

    async def listed(prefix: str = "", after: str = "", limit: int = 50) -> list[str]:
        found = await drive.list(home, prefix=prefix, after=after, limit=limit)
        return [file.path for file in found]

    assert await listed() == ["a", "b", "b-x", "b/1", "b/2", "b/\U0001f600", "c"]
    assert await listed("b/") == ["b/1", "b/2", "b/\U0001f600"]
    assert await listed("b/", after="b/1", limit=1) == ["b/2"]
    assert await drive.list("another", limit=50) == []


async def test_a_deleted_file_is_gone_with_its_bytes(
    drive: Drive, home: str, db: Database, files: Path
) -> None:
    await drive.write(home, "a", chunks=chunks(b"x"), origin=Origin())
    assert [await drive.delete(home, "a"), await drive.delete(home, "a")] == [True, False]
    with pytest.raises(Refused, match="file_not_found") as refusal:
        await drive.open(home, "a")
    assert refusal.value.status == 404
    assert await kept(db, files)


async def test_a_row_whose_bytes_are_lost_counts_as_no_file(
    drive: Drive, home: str, files: Path
) -> None:
    made = await drive.write(home, "a", chunks=chunks(b"x"), origin=Origin())
    (files / made.storage_name).unlink()
    with pytest.raises(Refused, match="file_not_found"):
        await drive.stream(home, "a")


async def test_bytes_that_a_crash_left_without_a_row_are_removed_once_they_are_old(
    drive: Drive, db: Database, home: str, files: Path
) -> None:
    await drive.write(home, "known", chunks=chunks(b"known"), origin=Origin())
    (files / "drive" / home / "left-behind").write_bytes(b"unknown")
    assert await drive.tidy(settled_seconds=3600) == 0
    assert await drive.tidy(settled_seconds=-1) == 1
    assert await kept(db, files)


async def test_bytes_stay_where_nobody_knows_whether_their_row_was_written(
    drive: Drive, db: Database, home: str, files: Path
) -> None:
    async def unsure(work: Callable[[Transaction], Awaitable[object]]) -> None:
        await write(work)
        raise Unsure("the database went away in the middle of a commit")

    write = db.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "write", unsure)
        with pytest.raises(Unsure):
            await drive.write(home, "a", chunks=chunks(b"ab"), origin=Origin())
    assert (await drive.open(home, "a")).local.read_bytes() == b"ab"
