"""The one place where a server is put together, and taken apart in the reverse order.

lock the data folder → migrate → open the database → workspace and keys → files → worker
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from puras.server import clock, start
from puras.server.db.migrate import migrate_sqlite
from puras.server.db.sqlite import SQLiteDatabase
from puras.server.deployments.bundles import Bundles
from puras.server.drive.signing import LocalSigner, Signer
from puras.server.drive.store import Drive
from puras.server.events.hub import Hub
from puras.server.events.writer import EventWriter
from puras.server.fetch import Fetcher
from puras.server.home import Home, secrets_keys
from puras.server.idempotency import store as idempotency
from puras.server.jobs.store import Changes
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.retention.sweep import sweep
from puras.server.secrets.vault import Vault
from puras.server.settings import BadSetting, Settings
from puras.server.storage.disk import DiskStorage
from puras.server.storage.place import open_storage
from puras.server.storage.port import StorageUnavailable
from puras.server.worker.attempt import Attempts
from puras.server.worker.children import Children
from puras.server.worker.environments import Environments
from puras.server.worker.loop import Worker
from puras.server.worker.preparing import Preparations
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.queue.embedded import EmbeddedQueue

if TYPE_CHECKING:
    from puras.server.storage.s3 import S3Storage

_HOUR_SECONDS = 3600.0
_KEPT: clock.Micros = clock.DAY
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A server at work. `first_key` is the key that its very first start made, else None."""

    platform: Platform
    first_key: str | None = field(default=None, repr=False)


@asynccontextmanager
async def running(settings: Settings, *, grace: float) -> AsyncIterator[Running]:
    """Run everything but HTTP inside of the block; running jobs get `grace` seconds at its end.

    Raises:
        DataInUse: another server has the data folder.
        SchemaTooNew: the data was written by a newer version.
        BadSetting: a setting makes no sense.
    """
    _refuse_what_is_not_there(settings)
    async with AsyncExitStack() as stack:
        home = Home(settings.home)
        stack.callback(home.close)
        await asyncio.to_thread(migrate_sqlite, settings.database_path)
        db = SQLiteDatabase(settings.database_path)
        stack.push_async_callback(db.close)
        begun = await start.prepare(db, settings=settings, now=clock.now())
        await db.write(idempotency.abandon_all)
        platform = await _platform(settings, db, stack, grace=grace)
        await _tidy_while_running(platform, stack)
        yield Running(platform, begun.first_key)


async def _platform(
    settings: Settings, db: SQLiteDatabase, stack: AsyncExitStack, *, grace: float
) -> Platform:
    storage = open_storage(settings)
    bundles = Bundles(storage, settings.home / "bundles")
    drive = Drive(storage, db=db, clock=clock.now)
    keys = secrets_keys(settings)
    vault = Vault(keys)
    signer = await _signer(settings, keys[0], storage, drive)
    fetcher = _fetcher(settings, signer, drive)
    hub, queue = Hub(), EmbeddedQueue()
    writer = EventWriter(db, hub)

    def announce(changes: Changes) -> None:
        worker.announce(changes)

    runner = await FunctionRunner.open(settings.home)
    stack.push_async_callback(runner.close)
    environments = Environments(settings.home / "environments", home=settings.home)
    stack.push_async_callback(environments.close)
    preparations = Preparations(db, environments)
    stack.push_async_callback(preparations.close)
    attempts = Attempts(
        settings=settings,
        clock=clock.now,
        db=db,
        writer=writer,
        bundles=bundles,
        environments=environments,
        runner=runner,
        drive=drive,
        signer=signer,
        vault=vault,
        fetcher=fetcher,
        children=Children(db, hub, clock.now, announce),
    )
    worker = Worker(
        db=db,
        hub=hub,
        queue=queue,
        writer=writer,
        clock=clock.now,
        concurrency=settings.concurrency,
        perform=attempts.perform,
        prepare=preparations.begin,
    )
    await worker.start(alone=True)
    stack.push_async_callback(worker.stop, grace=grace)
    return Platform(
        settings=settings,
        clock=clock.now,
        db=db,
        storage=storage,
        bundles=bundles,
        drive=drive,
        signer=signer,
        vault=vault,
        hub=hub,
        queue=queue,
        fetcher=fetcher,
        worker=worker,
    )


async def _signer(
    settings: Settings, key: bytes, storage: DiskStorage | S3Storage, drive: Drive
) -> Signer:
    own = LocalSigner(
        key,
        public_url=settings.public_url,
        clock=clock.now,
        result_ttl=settings.url_ttl_seconds,
    )
    if isinstance(storage, DiskStorage):
        return own
    from puras.server.drive.presigned import PresignedSigner  # needs the extra `s3`

    try:
        await storage.check()
        prefix = await storage.url_prefix()
    except StorageUnavailable as error:
        raise BadSetting(f"PURAS_STORAGE_URL={settings.storage_url!r}: {error}") from None
    return PresignedSigner(
        own,
        storage=storage,
        prefix=prefix,
        drive=drive,
        clock=clock.now,
        result_ttl=settings.url_ttl_seconds,
    )


def _fetcher(settings: Settings, signer: Signer, drive: Drive) -> Fetcher:
    async def open_own(url: str) -> Path | None:
        """Read a signed URL of ours from the storage: the signature says that it may be read."""
        signed = await signer.open_own(url)
        if signed is None:
            return None
        try:
            return (await drive.open(signed.workspace_id, signed.path)).local
        except Refused:
            return None

    return Fetcher(
        allow_private=settings.allow_private_urls,
        own_prefixes=signer.prefixes,
        open_own=open_own,
    )


async def _tidy_while_running(platform: Platform, stack: AsyncExitStack) -> None:
    """Forget what nobody may ask for any more, now and every hour."""

    async def tidy() -> None:
        while True:
            try:
                await _tidy(platform)
            except Exception:
                _log.exception("tidying_failed")
            await asyncio.sleep(_HOUR_SECONDS)

    async def stop() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    task = asyncio.create_task(tidy(), name="puras-tidy")
    stack.push_async_callback(stop)


async def _tidy(platform: Platform) -> None:
    now = platform.clock()
    await platform.db.write(lambda tx: idempotency.prune(tx, before=now - _KEPT))
    if (days := platform.settings.retention_days) is not None:
        forgotten = await sweep(platform.db, platform.drive, days=days, now=now)
        if forgotten:
            _log.info("jobs_forgotten", count=forgotten, older_than_days=days)


def _refuse_what_is_not_there(settings: Settings) -> None:
    if settings.database_url is not None:
        raise BadSetting(
            "PURAS_DATABASE_URL is set, and this version keeps everything in SQLite: unset it"
        )
