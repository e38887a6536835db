"""A copy of all that a server with SQLite keeps, made while it runs, and the way back from it.

A backup is itself a data folder: `puras.db`, `files`, `secrets.key`. Bytes never change under their
name, so files are copied first, then the database as it is at one moment, then what came meanwhile.
Where a file went just then, the database is copied again: every row of a backup finds its file.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from puras.server import admin
from puras.server.db.migrate import SchemaTooNew, latest
from puras.server.db.sqlite import SQLiteDatabase, connect
from puras.server.home import Home, secrets_keys_file
from puras.server.kept import kept_names
from puras.server.settings import BadSetting, Settings

_TRIES = 5
_DATABASE, _FILES, _KEY = "puras.db", "files", "secrets.key"


class BackupRefused(Exception):
    """It would overwrite something, or what is there is no backup; the text says what to do."""

    code = "backup_refused"


@dataclass(frozen=True, slots=True)
class Backup:
    """`has_key` is false where PURAS_SECRETS_KEY has the key; `files` counts those on this disk."""

    path: Path
    files: int
    size_bytes: int
    has_key: bool


async def back_up(settings: Settings, target: Path) -> Backup:
    """Copy the data to a folder that is not there yet, also beside a running server.

    Raises:
        BackupRefused: the folder is there.
        BadSetting: the data is in PostgreSQL, whose own tools copy it.
        NoData, SchemaTooNew: the data is not there, or not of this version.
    """
    _refuse_postgres(settings, "pg_dump")
    if target.exists():
        raise BackupRefused(f"{target} is there already: name another folder")
    await admin.check_schema(settings)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.mkdir(mode=0o700, parents=True)
    try:
        await _fill(settings, draft)
        os.rename(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _described(target)


async def restore(settings: Settings, source: Path) -> Backup:
    """Put a backup into a data folder that has no data.

    Raises:
        BackupRefused: the data folder has data, or `source` is no whole backup.
        SchemaTooNew: the backup was made by a newer version.
        DataInUse: a server has the data folder.
        BadSetting: the data is to be in PostgreSQL, whose own tools restore it.
    """
    _refuse_postgres(settings, "pg_restore")
    await asyncio.to_thread(_check_backup, source)
    with closing(Home(settings.home)):
        places = (settings.database_path, settings.files_path, secrets_keys_file(settings.home))
        taken = [place for place in places if _has_something(place)]
        if taken:
            raise BackupRefused(f"{taken[0]} is there already: name an empty --data folder")
        await asyncio.to_thread(_put_back, source, places)
    return _described(source)


async def _fill(settings: Settings, draft: Path) -> None:
    copied = draft / _FILES
    on_disk = settings.storage_url is None
    for _ in range(_TRIES):
        if on_disk:
            await asyncio.to_thread(_copy_new, settings.files_path, copied)
        await asyncio.to_thread(_copy_database, settings.database_path, draft / _DATABASE)
        if not on_disk:
            break
        await asyncio.to_thread(_copy_new, settings.files_path, copied)
        gone = [name for name in await _needed(draft) if not (copied / name).is_file()]
        if not gone:
            break
    else:
        raise BackupRefused(f"the bytes of {gone[0]} are gone: see what `puras admin doctor` says")
    key = secrets_keys_file(settings.home)
    if not settings.secrets_key and key.exists():
        _copy(key, draft / _KEY)


async def _needed(draft: Path) -> set[str]:
    db = SQLiteDatabase(draft / _DATABASE)
    try:
        return await db.read(kept_names)
    finally:
        await db.close()


def _copy_database(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with closing(connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    target.chmod(0o600)
    _sync(target)


def _copy_new(source: Path, target: Path) -> None:
    """Copy the files that are not there yet; one that goes meanwhile is left out."""
    for file in _files(source):
        place = target / file.relative_to(source)
        if not place.exists():
            try:
                _copy(file, place)
            except FileNotFoundError:
                continue


def _copy(source: Path, target: Path) -> None:
    """Copy a file for our own eyes; under its name it is whole."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.copying")
    try:
        shutil.copyfile(source, draft, follow_symlinks=False)
        draft.chmod(0o600)
        _sync(draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    """Find what is stored; what begins with a dot is on its way in."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names)


def _check_backup(source: Path) -> None:
    if not (source / _DATABASE).is_file():
        raise BackupRefused(f"{source} is no backup: there is no {_DATABASE} in it")
    try:
        with closing(sqlite3.connect(source / _DATABASE)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict, version = str(error), 0
    if verdict != "ok":
        raise BackupRefused(f"the database in {source} is damaged: {verdict}")
    if version > latest("sqlite"):
        raise SchemaTooNew(f"the backup has schema {version}: restore it with the newer Puras")


def _has_something(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else place.exists()


def _put_back(source: Path, places: tuple[Path, Path, Path]) -> None:
    """The database comes last: without it a folder that was filled half-way is no data."""
    database, files, key = places
    _copy_new(source / _FILES, files)
    if (source / _KEY).exists():
        _copy(source / _KEY, key)
    _copy(source / _DATABASE, database)


def _described(folder: Path) -> Backup:
    sizes = [file.stat().st_size for file in _files(folder / _FILES)]
    size = sum(sizes) + (folder / _DATABASE).stat().st_size
    return Backup(folder, len(sizes), size, (folder / _KEY).exists())


def _refuse_postgres(settings: Settings, program: str) -> None:
    if settings.database_url is not None:
        raise BadSetting(
            f"PURAS_DATABASE_URL names a PostgreSQL database: use `{program}` for it, and copy the "
            "files and PURAS_SECRETS_KEY yourself"
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
