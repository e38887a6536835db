"""`puras admin doctor`: one look at everything that must hold, and what to do where it does not.

Looking changes nothing, but for an object that is put into a bucket and taken out again. It may be
done beside a running server, so bytes that came within the last hour are not called orphans: their
row may be about to be written.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import uv

from puras.server import admin
from puras.server.billing import store as billing
from puras.server.db.database import Database, Row, Transaction, Unavailable
from puras.server.db.migrate import SchemaTooNew
from puras.server.db.queries import load
from puras.server.doctor.check import Check
from puras.server.doctor.files import examine_files
from puras.server.doctor.leftovers import examine_leftovers
from puras.server.doctor.mend import SETTLED_SECONDS
from puras.server.doctor.rows import examine_rows
from puras.server.home import running_pids, secrets_keys, secrets_keys_file
from puras.server.secrets import store as secrets
from puras.server.secrets.vault import CannotOpen, Vault
from puras.server.settings import Settings
from puras.server.worker.isolation import probe

QUERIES = load(__file__)

_MONEY = (
    "a row was lost or written by hand. Compare the ledger with your records, and restore a "
    "backup, or write the row that is missing"
)
_LOW_BYTES = 1 << 30
_TOO_LOW_BYTES = 100 << 20


async def examine(settings: Settings, *, settled_seconds: float = SETTLED_SECONDS) -> list[Check]:
    """Check everything and return what was found, in a fixed order.

    Bytes that no row knows count as orphans once they are `settled_seconds` old.
    """
    checks = [_folder(settings.home), _server(settings.home), _secrets_key(settings)]
    try:
        version = await admin.check_schema(settings)
        checks.append(Check("schema", "ok", f"version {version}, as this Puras has it"))
        async with admin.open_database(settings) as db:
            checks += await _examine_data(db, settings, settled_seconds=settled_seconds)
    except (admin.NoData, SchemaTooNew, Unavailable, sqlite3.DatabaseError) as error:
        checks.append(Check("database", "fail", str(error)))
    checks += [*examine_leftovers(settings.home), _disk(settings.home), _uv()]
    checks += await asyncio.to_thread(_isolation, settings)
    return checks


async def _examine_data(db: Database, settings: Settings, *, settled_seconds: float) -> list[Check]:
    found = await db.read(_integrity) if settings.database_url is None else _answers()
    faults = await db.read(billing.unbalanced)
    served = bool(running_pids(settings.home)) or settings.database_url is not None
    jobs = await db.read(_unfinished)
    unasked = await db.read(_unasked)
    return [
        found,
        Check("money", "fail", f"{'; '.join(faults)}: {_MONEY}")
        if faults
        else Check("money", "ok", "every balance is the sum of its ledger"),
        _secrets(await db.read(secrets.every), settings),
        await examine_files(db, settings, settled_seconds=settled_seconds),
        _jobs(jobs, served=served),
        _approvals(unasked),
        *await examine_rows(db),
    ]


async def _integrity(tx: Transaction) -> Check:
    row = await tx.one(QUERIES.quick_check)
    verdict = None if row is None else row["quick_check"]
    if verdict == "ok":
        return Check("database", "ok", "the file is whole")
    return Check("database", "fail", f"the file is damaged, restore a backup: {verdict}")


def _answers() -> Check:
    return Check("database", "ok", "PostgreSQL answers; its own tools look after its files")


async def _unfinished(tx: Transaction) -> dict[str, int]:
    row = await tx.one(QUERIES.unfinished)
    assert row is not None, "a count is always one row"
    return {name: row[name] for name in ("queued", "running", "parked") if row[name]}


async def _unasked(tx: Transaction) -> list[str]:
    return [row["id"] for row in await tx.all(QUERIES.unasked)]


def _folder(home: Path) -> Check:
    if not home.is_dir():
        return Check("data folder", "fail", f"there is no {home}: run `puras serve` once")
    mode = home.stat().st_mode & 0o777
    if mode & 0o077:
        return Check(
            "data folder",
            "warn",
            f"others on this machine can look into {home} (mode {mode:o}): chmod 700 it",
        )
    return Check("data folder", "ok", str(home))


def _server(home: Path) -> Check:
    pids = running_pids(home)
    if not pids:
        return Check("server", "ok", "none runs on this data here")
    noun = "process" if len(pids) == 1 else "processes"
    return Check("server", "ok", f"runs as {noun} {', '.join(map(str, pids))}")


def _secrets_key(settings: Settings) -> Check:
    file = secrets_keys_file(settings.home)
    if settings.secrets_key:
        return Check("secrets key", "ok", "from PURAS_SECRETS_KEY")
    if not file.exists():
        return Check("secrets key", "warn", "none yet: the first start makes it")
    if file.stat().st_mode & 0o077:
        return Check("secrets key", "fail", f"others can read {file}: chmod 600 it")
    return Check("secrets key", "ok", f"{file}; keep a copy apart from the database's backup")


def _secrets(rows: Sequence[Row], settings: Settings) -> Check:
    """Open every secret. Without rows no key is looked at: looking would make one."""
    if not rows:
        return Check("secrets", "ok", "none are set")
    vault = Vault(secrets_keys(settings))
    for row in rows:
        try:
            secrets.open_one(vault, row)
        except CannotOpen as error:
            return Check("secrets", "fail", f"{error} (skillpack {row['skillpack_id']})")
    old = sum(row["key_id"] != vault.key_id for row in rows)
    more = f", {old} with an older key: `puras admin secrets rotate`" if old else ""
    return Check("secrets", "ok", f"all {len(rows)} can be read{more}")


def _jobs(counts: dict[str, int], *, served: bool) -> Check:
    told = f"{counts.get('queued', 0)} queued, {counts.get('running', 0)} running"
    if parked := counts.get("parked"):
        told += f", {parked} waiting for an approval"
    if counts and not served:
        return Check("jobs", "warn", f"{told}, and no server runs: start one to go on with them")
    return Check("jobs", "ok", told)


def _approvals(unasked: list[str]) -> Check:
    if unasked:
        return Check(
            "approvals",
            "fail",
            f"job {unasked[0]} waits for an approval that nobody is asked for: cancel it with "
            f"`puras cancel {unasked[0]}` and submit it again",
        )
    return Check("approvals", "ok", "every job that waits for one has it pending")


def _disk(home: Path) -> Check:
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    told = f"{free >> 20} MiB free at {place}"
    if free < _TOO_LOW_BYTES:
        return Check("disk", "fail", f"{told}: writes will fail, make room")
    if free < _LOW_BYTES:
        return Check("disk", "warn", f"{told}: make room soon")
    return Check("disk", "ok", told)


def _uv() -> Check:
    try:
        return Check("uv", "ok", uv.find_uv_bin())
    except FileNotFoundError:
        return Check(
            "uv", "fail", 'environments can\'t be built: reinstall with pip install "puras[server]"'
        )


def _isolation(settings: Settings) -> list[Check]:
    return [
        Check(f"isolation: {layer.name}", "ok" if layer.active else "warn", layer.why)
        for layer in probe.report([settings.home], network=settings.skill_network == "all")
    ]
