"""An archive to a folder, with nothing taken on trust.

An archive says of itself what it holds, and any of it may be a lie: names that lead elsewhere,
entries that share bytes, sizes that are wrong, a hundred gigabytes in a kilobyte. So all names are
judged before the first byte is written, real bytes are counted while they are read, and everything
lands in a fresh folder that becomes the target only at the end. A failure leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from puras.bundle.entry_names import Names, decoded
from puras.bundle.faults import BadBundle
from puras.bundle.layout import NAME, is_skill_folder, lone_skill
from puras.bundle.manifest import PACK_FILE
from puras.wire import MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES, MAX_UNPACKED_BYTES

_CHUNK_BYTES = 256 * 1024
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
# What reading a crafted archive can raise; EINVAL comes from seeking to an offset below zero.
_DAMAGED = (
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read: of the archive, of what it unpacks to, and how many files."""

    archive_bytes: int = MAX_BUNDLE_BYTES
    unpacked_bytes: int = MAX_UNPACKED_BYTES
    files: int = MAX_BUNDLE_FILES


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    info: ZipInfo

    @property
    def is_executable(self) -> bool:
        return bool((self.info.external_attr >> 16) & 0o100)


def unpack(
    archive: Path, target: Path, *, limits: Limits = Limits(), skill_name: str | None = None
) -> None:
    """Unpack a bundle's archive into a folder that does not exist yet, or is empty.

    A single folder around all skills is stripped. An archive of one lone skill becomes a bundle of
    that skill, named by its front matter or else by `skill_name`.

    Raises:
        BadBundle: the archive breaks a rule; nothing is left at `target` or beside it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".unpack-", dir=target.parent))
    try:
        content = workshop / "content"
        content.mkdir()
        _unpack_into(archive, content, limits)
        _settled(content, workshop, skill_name).rename(target)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _unpack_into(archive: Path, content: Path, limits: Limits) -> None:
    with archive.open("rb") as file:
        _check_archive(file.fileno(), limits)
        with _no_damage(None), ZipFile(file) as opened:
            _write_all(opened, _judged(opened, limits), content, limits)


@contextmanager
def _no_damage(entry: str | None) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise BadBundle(f"the archive is damaged, or no zip: {error}", entry=entry) from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise BadBundle("the archive is damaged: an offset is wrong", entry=entry) from None


def _check_archive(file: int, limits: Limits) -> None:
    size = os.fstat(file).st_size
    if size > limits.archive_bytes:
        raise BadBundle(f"the archive is over {limits.archive_bytes // 1024**2} MiB")
    # zipfile builds an object for each entry before anyone can ask how many there are.
    entries, overlap = 0, b""
    for offset in range(0, size, _CHUNK_BYTES):
        chunk = overlap + os.pread(file, _CHUNK_BYTES, offset)
        entries += chunk.count(_ENTRY_SIGNATURE)
        overlap = chunk[-3:]
    if entries > 4 * limits.files:
        raise BadBundle(f"the archive has more than {limits.files:,} files")


def _judged(opened: ZipFile, limits: Limits) -> list[_Entry]:
    names, entries = Names(), []
    for info in opened.infolist():
        name = decoded(info) if not _is_junk(info.orig_filename) else None
        if name is None:
            continue
        is_folder = info.orig_filename.endswith("/")
        _check_kind(info, name, is_folder=is_folder)
        names.take(name, is_folder=is_folder)
        entries += [] if is_folder else [_Entry(name, info)]
        if len(entries) > limits.files or len(names) > 2 * limits.files:
            raise BadBundle(f"the archive has more than {limits.files:,} files")
    if sum(entry.info.file_size for entry in entries) > limits.unpacked_bytes:
        raise BadBundle(f"the files are over {limits.unpacked_bytes // 1024**2} MiB unpacked")
    _check_overlaps(opened)
    return entries


def _is_junk(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _check_kind(info: ZipInfo, name: str, *, is_folder: bool) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise BadBundle("symlinks are not allowed: copy the file", entry=name)
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise BadBundle("only files and folders are allowed", entry=name)
    if info.flag_bits & _ENCRYPTED:
        raise BadBundle("the file is encrypted: pack it without a password", entry=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadBundle("only stored and deflated files can be read", entry=name)
    if is_folder and info.file_size:
        raise BadBundle("a folder can't have bytes", entry=name)


def _check_overlaps(opened: ZipFile) -> None:
    # Entries that share compressed bytes are how a zip bomb stays small without being nested.
    end_of_last = 0
    for info in sorted(opened.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end_of_last:
            raise BadBundle("the file shares bytes with another", entry=info.orig_filename)
        end_of_last = _data_offset(opened, info) + info.compress_size
    if end_of_last > opened.start_dir:
        raise BadBundle("the last file reaches into the list of files")


def _data_offset(opened: ZipFile, info: ZipInfo) -> int:
    assert opened.fp is not None
    opened.fp.seek(info.header_offset)
    header = _LOCAL_HEADER.unpack(opened.fp.read(_LOCAL_HEADER.size))
    return int(info.header_offset + _LOCAL_HEADER.size + header[-2] + header[-1])


def _write_all(opened: ZipFile, entries: list[_Entry], content: Path, limits: Limits) -> None:
    left = limits.unpacked_bytes
    for entry in entries:
        path = content / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = _write(opened, entry, path, left=left)
        if written != entry.info.file_size:
            raise BadBundle("the file's size is not what the archive says", entry=entry.name)
        left -= written


def _write(opened: ZipFile, entry: _Entry, path: Path, *, left: int) -> int:
    written = 0
    with path.open("xb") as target:
        for chunk in _chunks(opened, entry):
            written += len(chunk)
            if written > left:
                raise BadBundle("the files are more than a bundle may hold", entry=entry.name)
            target.write(chunk)
    path.chmod(0o755 if entry.is_executable else 0o644)
    return written


def _chunks(opened: ZipFile, entry: _Entry) -> Iterator[bytes]:
    with _no_damage(entry.name), opened.open(entry.info) as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _settled(content: Path, workshop: Path, skill_name: str | None) -> Path:
    """Return the folder that is the bundle: without a wrapper, a lone skill in its own folder."""
    content = _stripped(content)
    name = lone_skill(content, name=skill_name or "")
    if name is None:
        return content
    if not NAME.fullmatch(name):
        raise BadBundle(
            "a skill lies at the root, without a name: put it into a folder of its name"
        )
    bundle = workshop / "bundle"
    bundle.mkdir()
    if (content / PACK_FILE).is_file():
        (content / PACK_FILE).rename(bundle / PACK_FILE)
    content.rename(bundle / name)
    return bundle


def _stripped(content: Path) -> Path:
    children = list(content.iterdir())
    if len(children) != 1 or not children[0].is_dir() or is_skill_folder(children[0]):
        return content
    inner = children[0]
    return inner if any(map(is_skill_folder, inner.iterdir())) else content
