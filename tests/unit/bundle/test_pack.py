from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from puras.bundle.archive import unpack
from puras.bundle.faults import BadBundle
from puras.bundle.pack import Packed, PackedFile, files_to_pack, pack
from puras.wire import MAX_BUNDLE_BYTES, MAX_UNPACKED_BYTES

from .conftest import Write

YAML = "entrypoint: main.py:run"
FILES = {
    "a/skill.yaml": YAML,
    "a/main.py": "def run(): ...",
    "lib/shared.py": "X = 1",
    "lib/__pycache__/shared.pyc": "no",
    ".env": "SECRET=1",
    ".git/config": "no",
    "notes/draft.txt": "no",
    ".purasignore": "notes/\n",
}
KEPT = ["a/main.py", "a/skill.yaml", "lib/shared.py"]


def packed(bundle: Path) -> tuple[bytes, Packed]:
    archive = io.BytesIO()
    result = pack(bundle, archive)
    return archive.getvalue(), result


def test_what_is_packed_comes_out_again_and_the_rest_stays_behind(
    write: Write, tmp_path: Path
) -> None:
    data, result = packed(write(FILES))
    (tmp_path / "b.zip").write_bytes(data)
    unpack(tmp_path / "b.zip", tmp_path / "out")
    found = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == {name: FILES[name] for name in KEPT}
    assert result == Packed(3, sum(len(FILES[name]) for name in KEPT), len(data))


def test_the_same_files_give_the_same_bytes(write: Write, tmp_path: Path) -> None:
    bundle = write(FILES)
    first, _ = packed(bundle)
    for path in bundle.rglob("*"):
        os.utime(path, (1, 1))
    (bundle / "a/main.py").chmod(0o600)
    assert packed(bundle)[0] == first


def test_a_script_stays_executable(write: Write, tmp_path: Path) -> None:
    bundle = write({**FILES, "a/scripts/go.sh": "#!/bin/sh\n"})
    (bundle / "a/scripts/go.sh").chmod(0o711)
    (tmp_path / "b.zip").write_bytes(packed(bundle)[0])
    unpack(tmp_path / "b.zip", tmp_path / "out")
    assert (tmp_path / "out/a/scripts/go.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/a/main.py").stat().st_mode & 0o777 == 0o644


def test_each_file_is_told_before_it_is_packed(write: Write) -> None:
    told: list[PackedFile] = []
    pack(write(FILES), io.BytesIO(), on_file=told.append)
    assert [file.name for file in told] == KEPT


def test_a_folder_that_is_one_skill_is_packed_as_a_bundle_of_it(write: Write) -> None:
    bundle = write({"skill.yaml": YAML, "main.py": "", "puras.yaml": "slug: x"})
    names = zipfile.ZipFile(io.BytesIO(packed(bundle)[0])).namelist()
    assert names == ["bundle/main.py", "puras.yaml", "bundle/skill.yaml"]


def test_a_lone_skill_whose_name_can_be_none_is_refused(write: Write) -> None:
    bundle = write({"SKILL.md": "---\nname: ../up\ndescription: x\n---\n"})
    with pytest.raises(BadBundle, match="can't be a skill's name"):
        files_to_pack(bundle)


def test_a_symlink_is_refused_by_name_unless_it_is_left_out(write: Write) -> None:
    bundle = write(FILES)
    (bundle / "a/link").symlink_to("/etc/passwd")
    with pytest.raises(BadBundle, match="'a/link': a symlink can't be packed"):
        files_to_pack(bundle)
    (bundle / ".purasignore").write_text("link\nnotes/")
    assert [file.name for file in files_to_pack(bundle)] == KEPT


def test_a_link_to_a_folder_is_refused_too(write: Write) -> None:
    bundle = write(FILES)
    (bundle / "linked").symlink_to(bundle / "a")
    with pytest.raises(BadBundle, match="'linked': a symlink"):
        files_to_pack(bundle)


def test_a_pipe_is_refused_by_name(write: Write) -> None:
    bundle = write(FILES)
    os.mkfifo(bundle / "a/pipe")
    with pytest.raises(BadBundle, match="'a/pipe': only files and folders"):
        files_to_pack(bundle)


def test_an_empty_folder_is_refused(write: Write) -> None:
    with pytest.raises(BadBundle, match="there is nothing to pack"):
        files_to_pack(write({}))


def test_more_files_than_a_bundle_holds_are_refused(tmp_path: Path) -> None:
    for number in range(20_001):
        os.close(os.open(tmp_path / str(number), os.O_CREAT | os.O_WRONLY))
    with pytest.raises(BadBundle, match="20,001 files are more than the 20,000"):
        files_to_pack(tmp_path)


def test_more_bytes_than_a_bundle_holds_are_refused_naming_the_largest(write: Write) -> None:
    bundle = write(FILES)
    with (bundle / "a/big.bin").open("wb") as file:
        file.truncate(MAX_UNPACKED_BYTES + 1)
    with pytest.raises(BadBundle, match=r"may have 500: the largest is `a/big.bin`"):
        files_to_pack(bundle)


def test_an_archive_over_its_limit_is_refused_naming_the_largest(write: Write) -> None:
    bundle = write(FILES)
    (bundle / "a/noise.bin").write_bytes(os.urandom(MAX_BUNDLE_BYTES + 1))
    with pytest.raises(BadBundle, match=r"may have 50: the largest is `a/noise.bin`"):
        pack(bundle, io.BytesIO())


def test_an_ignore_file_that_can_not_be_read_is_named(write: Write) -> None:
    bundle = write(FILES)
    (bundle / ".purasignore").write_bytes(b"\xff")
    with pytest.raises(BadBundle, match=r"'.purasignore': the file is not UTF-8"):
        files_to_pack(bundle)
