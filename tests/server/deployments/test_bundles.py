from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from puras.server.deployments.bundles import ArchiveMissing, Bundles, archive_name, remove_tree
from puras.server.storage.disk import DiskStorage

from .conftest import bundle


@pytest.fixture
def storage(tmp_path: Path) -> DiskStorage:
    return DiskStorage(tmp_path / "files", incoming=tmp_path / "incoming")


async def keep(storage: DiskStorage, sha256: str, data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "archive"
    file.write_bytes(data)
    await storage.adopt(archive_name(sha256), file)


async def test_a_deployment_is_unpacked_once_however_many_ask(
    storage: DiskStorage, tmp_path: Path
) -> None:
    await keep(storage, "sha", bundle(), tmp_path)
    bundles = Bundles(storage, tmp_path / "bundles")
    folders = await asyncio.gather(*(bundles.unpacked("d1", "sha") for _ in range(8)))
    assert len(set(folders)) == 1
    inode = folders[0].stat().st_ino
    await storage.delete(archive_name("sha"))
    assert (await bundles.unpacked("d1", "sha")).stat().st_ino == inode
    assert [path.name for path in folders[0].parent.iterdir()] == ["d1"]


async def test_a_tree_survives_a_restart_but_not_a_boot(
    storage: DiskStorage, tmp_path: Path
) -> None:
    await keep(storage, "sha", bundle(), tmp_path)
    root = tmp_path / "bundles"
    folder = await Bundles(storage, root).unpacked("d1", "sha")
    assert await Bundles(storage, root).unpacked("d1", "sha") == folder
    folder.parent.rename(root / "another-boot")
    Bundles(storage, root)
    assert list(root.iterdir()) == []


async def test_a_missing_or_broken_archive_is_told(storage: DiskStorage, tmp_path: Path) -> None:
    bundles = Bundles(storage, tmp_path / "bundles")
    with pytest.raises(ArchiveMissing, match="d1 is gone"):
        await bundles.unpacked("d1", "sha")
    await keep(storage, "sha", b"torn", tmp_path)
    with pytest.raises(ArchiveMissing, match="can't be read"):
        await bundles.unpacked("d1", "sha")
    assert not list((tmp_path / "bundles").glob("*/*"))


async def test_a_forgotten_tree_is_removed_and_can_come_back(
    storage: DiskStorage, tmp_path: Path
) -> None:
    await keep(storage, "sha", bundle(), tmp_path)
    bundles = Bundles(storage, tmp_path / "bundles")
    folder = await bundles.unpacked("d1", "sha")
    await bundles.forget("d1")
    await bundles.forget("d1")
    assert not folder.exists()
    assert (await bundles.unpacked("d1", "sha") / "hello/main.py").is_file()


async def test_a_planted_tree_gives_way_to_one_that_is_there(
    storage: DiskStorage, tmp_path: Path
) -> None:
    await keep(storage, "sha", bundle(), tmp_path)
    bundles = Bundles(storage, tmp_path / "bundles")
    folder = await bundles.unpacked("d1", "sha")
    planted = tmp_path / "planted"
    planted.mkdir()
    await bundles.plant("d1", planted)
    assert (folder / "hello/main.py").is_file()
    await bundles.plant("d2", planted)
    assert (folder.parent / "d2").is_dir()
    remove_tree(folder.parent)
    assert not folder.parent.exists()
