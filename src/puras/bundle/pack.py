"""A folder to an archive: what belongs into it, in a form that depends on nothing else.

The same files give the same bytes: entries are sorted, times fixed, modes reduced to whether a
file is executable. Limits are checked before a byte is written.
"""

from __future__ import annotations

import os
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from puras.bundle.faults import BadBundle, Findings
from puras.bundle.ignore import IGNORE_FILE, Ignore, parse_ignore
from puras.bundle.layout import NAME, NAME_RULE, lone_skill
from puras.bundle.manifest import PACK_FILE
from puras.bundle.text_file import read_text
from puras.wire import MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES, MAX_UNPACKED_BYTES

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file on disk and the name it has in the archive."""

    name: str
    path: Path
    size_bytes: int
    is_executable: bool


@dataclass(frozen=True, slots=True)
class Packed:
    """What came of packing: how many files, their size, and that of the archive."""

    files: int
    unpacked_bytes: int
    size_bytes: int


def files_to_pack(bundle: Path) -> list[PackedFile]:
    """Return the files that belong into a bundle, sorted by name.

    A folder that is one skill itself is packed as a bundle of that skill.

    Raises:
        BadBundle: a symlink or a device is among them, or there is more than a bundle may hold.
    """
    lone = lone_skill(bundle)
    if lone is not None and not NAME.fullmatch(lone):
        raise BadBundle(f"`{lone}` can't be a skill's name: {NAME_RULE}")
    files = sorted(_walk(bundle, "", ignore=_ignore(bundle)), key=lambda file: file.name)
    if not files:
        raise BadBundle("there is nothing to pack: the folder is empty, or all is left out")
    if len(files) > MAX_BUNDLE_FILES:
        raise BadBundle(
            f"{len(files):,} files are more than the {MAX_BUNDLE_FILES:,} that a bundle holds: "
            f"name what to leave out in `{IGNORE_FILE}`"
        )
    _check_size(files)
    return files if lone is None else [_inside(lone, file) for file in files]


def pack(
    bundle: Path, target: BinaryIO, *, on_file: Callable[[PackedFile], None] | None = None
) -> Packed:
    """Write a bundle's archive to an open, seekable file; `on_file` hears of each file before.

    Raises:
        BadBundle: as `files_to_pack`, or the archive is over 50 MiB.
    """
    files = files_to_pack(bundle)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            if on_file:
                on_file(file)
            _add(archive, file)
    size = target.tell()
    if size > MAX_BUNDLE_BYTES:
        raise BadBundle(
            f"the archive has {_mib(size)} MiB, and a bundle may have {_mib(MAX_BUNDLE_BYTES)}: "
            f"{_largest(files)}"
        )
    return Packed(len(files), sum(file.size_bytes for file in files), size)


def _ignore(bundle: Path) -> Ignore:
    path = bundle / IGNORE_FILE
    findings = Findings(IGNORE_FILE)
    text = read_text(path, findings) if path.is_file() else ""
    if text is None:
        raise BadBundle(findings.faults[0]["message"], entry=IGNORE_FILE)
    return parse_ignore(text)


def _walk(folder: Path, prefix: str, *, ignore: Ignore) -> Iterator[PackedFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = unicodedata.normalize("NFC", prefix + entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if ignore.leaves_out(name, is_folder=is_folder):
                continue
            if is_folder:
                yield from _walk(Path(entry.path), f"{name}/", ignore=ignore)
            else:
                yield _packed_file(entry, name)


def _packed_file(entry: os.DirEntry[str], name: str) -> PackedFile:
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        raise BadBundle(
            f"a symlink can't be packed: copy the file, or name it in `{IGNORE_FILE}`", entry=name
        )
    if not stat.S_ISREG(status.st_mode):
        raise BadBundle("only files and folders can be packed: remove it", entry=name)
    is_executable = bool(status.st_mode & stat.S_IXUSR)
    return PackedFile(name, Path(entry.path), status.st_size, is_executable)


def _inside(skill_name: str, file: PackedFile) -> PackedFile:
    name = file.name if file.name == PACK_FILE else f"{skill_name}/{file.name}"
    return PackedFile(name, file.path, file.size_bytes, file.is_executable)


def _check_size(files: list[PackedFile]) -> None:
    total = sum(file.size_bytes for file in files)
    if total > MAX_UNPACKED_BYTES:
        raise BadBundle(
            f"the files have {_mib(total)} MiB, and a bundle may have {_mib(MAX_UNPACKED_BYTES)}: "
            f"{_largest(files)}"
        )


def _add(archive: zipfile.ZipFile, file: PackedFile) -> None:
    entry = zipfile.ZipInfo(file.name, _FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = (stat.S_IFREG | (0o755 if file.is_executable else 0o644)) << 16
    entry.file_size = file.size_bytes
    with file.path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target)


def _largest(files: list[PackedFile]) -> str:
    file = max(files, key=lambda file: file.size_bytes)
    return f"the largest is `{file.name}`; name what to leave out in `{IGNORE_FILE}`"


def _mib(size: int) -> int:
    return -(-size // 1024**2)
