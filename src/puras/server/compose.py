"""The one place where a server is put together, and taken apart in the reverse order.

data (`data.py`) → workspace and keys → files → worker
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from puras.server import clock, start
from puras.server.agent.models.catalog import read_catalog
from puras.server.agent.models.operator import open_models
from puras.server.beside import beside
from puras.server.data import Data, opened
from puras.server.deployments.bundles import Bundles
from puras.server.drive.signing import LocalSigner, Signer
from puras.server.drive.store import Drive
from puras.server.events.hub import Hub
from puras.server.fetch import Fetcher
from puras.server.home import secrets_keys
from puras.server.idempotency import store as idempotency
from puras.server.media.opening import catalogue_of
from puras.server.metrics.listener import listening
from puras.server.metrics.refresh import keep_fresh
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.secrets.vault import Vault
from puras.server.settings import BadSetting, Settings
from puras.server.start import FirstKey
from puras.server.storage.disk import DiskStorage
from puras.server.storage.place import open_storage
from puras.server.storage.port import StorageUnavailable
from puras.server.tidying import tidy_hourly
from puras.server.tracing.export import exporting
from puras.server.worker.loop import Worker
from puras.server.worker.queue.embedded import EmbeddedQueue
from puras.server.worker.queue.port import Queue
from puras.server.worker.queue.postgres import PostgresQueue
from puras.server.working import OpenModels, open_worker

if TYPE_CHECKING:
    from puras.server.events.elsewhere import Elsewhere
    from puras.server.storage.s3 import S3Storage


@dataclass(frozen=True, slots=True)
class Running:
    """A server at work. `first` is the key that its very first start made, else None."""

    platform: Platform
    first: FirstKey | None = None


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    grace: float,
    serves: bool = True,
    works: bool = True,
    models: OpenModels = open_models,
) -> AsyncIterator[Running]:
    """Run everything but HTTP inside of the block; running jobs get `grace` seconds at its end.

    `serves` off: only run jobs. `works` off: run none, other processes do. `models` opens what
    answers the turns of agents.

    Raises:
        DataInUse: another server has the data folder.
        SchemaTooNew: the data was written by a newer version.
        BadSetting: a setting makes no sense.
        Unavailable: the database can't be reached.
    """
    _refuse_what_is_not_there(settings, together=serves and works)
    catalogue_of(settings)  # an operator's file that makes no sense is told now
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(exporting(os.environ))
        data = await stack.enter_async_context(opened(settings))
        first = await _begin(data) if serves else None
        platform = await _platform(data, stack, grace=grace, models=models if works else None)
        beside(stack, tidy_hourly(platform), name="puras-tidy")
        await _measure(platform, stack)
        yield Running(platform, first)


async def _begin(data: Data) -> FirstKey | None:
    """Make sure of workspace and keys; return the key to be shown, if one was made now."""
    async with data.db.exclusively("start"):
        begun = await start.prepare(data.db, settings=data.settings, now=clock.now())
    if data.elsewhere is None:
        await data.db.write(idempotency.abandon_all)
    return begun.first


async def _platform(
    data: Data, stack: AsyncExitStack, *, grace: float, models: OpenModels | None
) -> Platform:
    settings, db = data.settings, data.db
    storage = open_storage(settings)
    drive = Drive(storage, db=db, clock=clock.now)
    keys = secrets_keys(settings)
    signer = await _signer(settings, keys[0], storage, drive)
    hub, queue = _delivery(data.elsewhere)
    platform = Platform(
        settings=settings,
        clock=clock.now,
        db=db,
        storage=storage,
        bundles=Bundles(storage, settings.home / "bundles"),
        drive=drive,
        signer=signer,
        vault=Vault(keys),
        hub=hub,
        queue=queue,
        fetcher=_fetcher(settings, signer, drive),
        catalog=read_catalog(settings.models_file),
        worker=None,
    )
    if data.elsewhere is not None:
        await data.elsewhere.open()
    if models is not None:
        worker = await open_worker(platform, stack, models)
        platform = replace(platform, worker=worker)
        await _join(worker, data.elsewhere)
        stack.push_async_callback(worker.stop, grace=grace)
    return platform


def _delivery(elsewhere: Elsewhere | None) -> tuple[Hub, Queue]:
    """Make what wakes readers and workers: here alone, or in all processes."""
    if elsewhere is None:
        return Hub(), EmbeddedQueue()
    queue = PostgresQueue(elsewhere.wake)
    elsewhere.woken = queue.woken
    return elsewhere.hub, queue


async def _join(worker: Worker, elsewhere: Elsewhere | None) -> None:
    """Begin to claim jobs, and to hear what becomes of them in other processes."""
    if elsewhere is not None:
        elsewhere.let_go = worker.let_go
        elsewhere.look = worker.look
    await worker.start(alone=elsewhere is None)


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


async def _measure(platform: Platform, stack: AsyncExitStack) -> None:
    """Let Prometheus read how this process does, where the operator wants that."""
    settings = platform.settings
    if settings.metrics_token is None and settings.metrics_port is None:
        return
    beside(stack, keep_fresh(platform.db, platform.clock), name="puras-metrics")
    if (port := settings.metrics_port) is not None:
        token = settings.metrics_token
        try:
            stack.enter_context(listening(settings.metrics_host, port, token=token))
        except OSError as error:
            raise BadSetting(f"PURAS_METRICS_PORT={port} can't be had: {error}") from None


def _refuse_what_is_not_there(settings: Settings, *, together: bool) -> None:
    if settings.database_url is None and not together:
        raise BadSetting(
            "SQLite is for one process that serves and runs jobs: set PURAS_DATABASE_URL to a "
            "PostgreSQL database, which many processes can share"
        )
