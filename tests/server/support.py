"""What tests of the server build on: a real platform in a temporary folder, and a client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest

from puras.server import compose
from puras.server.agent.models.catalog import read_catalog
from puras.server.agent.models.operator import open_models
from puras.server.app import ROUTES
from puras.server.clock import Clock, Micros, new_id, now
from puras.server.data import connected
from puras.server.db.database import Database
from puras.server.db.migrate import migrate_sqlite
from puras.server.deployments import store as deployments
from puras.server.deployments.bundles import Bundles
from puras.server.deployments.store import NewDeployment
from puras.server.drive.signing import LocalSigner
from puras.server.drive.store import Drive
from puras.server.endpoint import Routes
from puras.server.events.hub import Hub
from puras.server.fetch import Fetcher
from puras.server.http import Http
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.keys.fences import UNFENCED, Fences
from puras.server.platform import Platform
from puras.server.secrets.vault import Vault
from puras.server.settings import Settings
from puras.server.skillpacks import store as skillpacks
from puras.server.storage.disk import DiskStorage
from puras.server.worker.queue.embedded import EmbeddedQueue
from puras.server.working import OpenModels
from puras.server.workspaces import store as workspaces
from puras.wire import KeyKind, ManifestSkill

from .built_once import environments_built_once

ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
"""For a test of something that only SQLite has."""


ON_POSTGRES = pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
"""For a test of what only happens where transactions run side by side."""


class TestDatabase:
    """Which database the running test is to open: a PostgreSQL, or None for SQLite."""

    __test__ = False
    url: str | None = None


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    moment: Micros = field(default_factory=now)

    def __call__(self) -> Micros:
        return self.moment


@dataclass(frozen=True)
class Minted:
    id: str
    text: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


def settings_for(home: Path, **settings: Any) -> Settings:
    """Return settings that lead to the database of the running test."""
    return Settings(home=home, database_url=TestDatabase.url, **settings)


def lay_out_sqlite(path: Path) -> None:
    """Make an empty database of this code's schema where there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(_empty_sqlite())


@cache
def _empty_sqlite() -> bytes:
    """The file of such a database: to copy it costs a fraction of making it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "puras.db")
        migrate_sqlite(path)
        return path.read_bytes()


@asynccontextmanager
async def open_platform(
    home: Path, *, clock: HandClock | None = None, **settings: Any
) -> AsyncIterator[Platform]:
    """Compose what answers requests, on a fresh database; nothing that runs jobs."""
    configured = settings_for(home, **settings)
    if configured.database_url is None:
        lay_out_sqlite(configured.database_path)
    async with connected(configured) as db:
        yield _platform(configured, db, clock=clock or now)


def _platform(configured: Settings, db: Database, *, clock: Clock) -> Platform:
    home = configured.home
    storage = DiskStorage(configured.files_path, incoming=home / "incoming")
    return Platform(
        settings=configured,
        clock=clock,
        db=db,
        storage=storage,
        bundles=Bundles(storage, home / "bundles"),
        drive=Drive(storage, db=db, clock=clock),
        signer=LocalSigner(
            b"s" * 32, public_url=configured.public_url, clock=clock, result_ttl=3600
        ),
        vault=Vault([b"s" * 32]),
        hub=Hub(),
        queue=EmbeddedQueue(),
        fetcher=Fetcher(allow_private=False, own_prefixes=(), open_own=_open_nothing),
        catalog=read_catalog(configured.models_file),
        worker=None,
    )


@asynccontextmanager
async def serving(platform: Platform, *routes: Routes) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve endpoints in this process, behind a client that sends no key by itself."""
    app = Http(platform, routes)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://puras.test") as client:
        try:
            yield client
        finally:
            await app.close()


@dataclass(frozen=True)
class Server:
    """A whole server; `client` sends the first key, which is unrestricted."""

    platform: Platform
    client: httpx2.AsyncClient


@asynccontextmanager
async def open_server(
    home: Path, *, grace: float = 1.0, models: OpenModels = open_models, **settings: Any
) -> AsyncIterator[Server]:
    """Start everything but the listener on a fresh data folder: it also runs jobs."""
    configured = settings_for(home, **settings)
    if configured.database_url is None:
        lay_out_sqlite(configured.database_path)
    with environments_built_once():
        async with (
            compose.running(configured, grace=grace, models=models) as started,
            serving(started.platform, *ROUTES) as client,
        ):
            if started.first is not None:
                client.headers["Authorization"] = f"Bearer {started.first.text}"
            yield Server(started.platform, client)


async def make_workspace(platform: Platform, slug: str = "local", *, credits_usd: int = 100) -> str:
    workspace = await platform.db.write(
        lambda tx: workspaces.create(
            tx, slug=slug, name=slug, grant_micros=credits_usd * 1_000_000, now=platform.clock()
        )
    )
    return workspace.id


async def mint(
    platform: Platform,
    workspace_id: str,
    *,
    kind: KeyKind = "secret",
    fences: Fences = UNFENCED,
    name: str = "test",
) -> Minted:
    token = tokens.mint(kind)
    key_id = await platform.db.write(
        lambda tx: keys.mint(
            tx,
            token,
            workspace_id=workspace_id,
            name=name,
            now=platform.clock(),
            fences=fences,
        )
    )
    return Minted(key_id, token.text)


async def revoke(platform: Platform, workspace_id: str, key: Minted) -> None:
    await platform.db.write(
        lambda tx: keys.revoke(tx, workspace_id=workspace_id, key_id=key.id, now=platform.clock())
    )


async def make_skillpack(
    platform: Platform,
    workspace_id: str,
    slug: str,
    *,
    skills: Iterable[str] = (),
    public: bool = False,
) -> str:
    """Make a skillpack whose active deployment lists these skills (a row: nothing can run it)."""
    pack = await platform.db.write(
        lambda tx: skillpacks.create(
            tx,
            workspace_id=workspace_id,
            slug=slug,
            name=slug,
            public=public,
            now=platform.clock(),
        )
    )
    new = NewDeployment(
        id=new_id(),
        skillpack_id=pack.id,
        workspace_id=workspace_id,
        size_bytes=1,
        sha256="0" * 64,
        notes=None,
        manifest={"skills": [manifest_skill(name) for name in skills]},
        requirements=(),
    )
    await platform.db.write(
        lambda tx: deployments.create(tx, new, activate=True, now=platform.clock())
    )
    return pack.id


def manifest_skill(name: str) -> ManifestSkill:
    parent, slash, _ = name.partition("/")
    return {
        "name": name,
        "type": "function",
        "title": None,
        "description": name,
        "entrypoint": "main.py:main",
        "input_schema": {"type": "object"},
        "output_schema": None,
        "examples": [],
        "timeout_seconds": None,
        "process": "fresh",
        "needs": [],
        "parent": parent if slash else None,
        "extra": {},
    }


async def _open_nothing(url: str) -> Path | None:
    return None


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Return an error answer's status and code; it must have the one shape of errors."""
    body = response.json()
    assert set(body) - {"errors"} == {"detail", "code", "request_id"}
    assert body["request_id"] == response.headers["x-request-id"]
    assert len(body["detail"]) > 10
    return response.status_code, body["code"]
