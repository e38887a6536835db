"""What an operator does to the data itself, also beside a running server.

Each function opens the database, does one short transaction and closes it again. Nothing here
prints: `puras admin` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from puras.server.billing import store as billing
from puras.server.clock import now
from puras.server.data import connected, need_postgres
from puras.server.db.database import Database, Transaction
from puras.server.db.migrate import SchemaTooNew, latest, migrate_sqlite
from puras.server.db.sqlite import connect
from puras.server.home import Home, secrets_keys
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.refusals import Refused
from puras.server.secrets import store as secrets
from puras.server.secrets.vault import Vault
from puras.server.sessions import store as sessions
from puras.server.sessions.links import link_url
from puras.server.settings import Settings
from puras.server.workspaces import store as workspaces
from puras.server.workspaces.store import Workspace
from puras.wire import MAX_CONCURRENCY, KeyKind

_MOST_USD = 1_000_000_000


class NoData(Exception):
    """There is no database yet; the text says what to do."""

    code = "no_data"


class SchemaTooOld(NoData):
    """The data was written by an older version, and not migrated yet."""

    code = "schema_too_old"


async def create_workspace(settings: Settings, *, slug: str, name: str | None = None) -> Workspace:
    """Make a workspace with the operator's starting credits.

    Raises:
        Refused: `invalid_request` for a bad slug, `slug_taken`.
        NoData, SchemaTooNew: the data is not there, or not of this version.
    """
    grant = billing.micros(settings.starting_credits_usd)
    async with open_database(settings) as db:
        return await db.write(
            lambda tx: workspaces.create(
                tx, slug=slug, name=name or slug, grant_micros=grant, now=now()
            )
        )


async def list_workspaces(settings: Settings) -> list[Workspace]:
    """Return all workspaces, oldest first. Raises NoData, SchemaTooNew."""
    async with open_database(settings) as db:
        return await db.read(workspaces.every)


async def limit_workspace(
    settings: Settings, *, workspace: str, concurrency: int | None
) -> Workspace:
    """Set how many runs a workspace (its slug) may have at once; None: PURAS_WORKSPACE_CONCURRENCY.

    Raises:
        Refused: `invalid_request` for a number that makes no sense, `not_found`.
        NoData, SchemaTooNew: as `create_workspace`.
    """
    if concurrency is not None and not 1 <= concurrency <= MAX_CONCURRENCY:
        raise Refused("invalid_request", f"a workspace runs 1 to {MAX_CONCURRENCY:,} jobs at once")

    async def limit(tx: Transaction) -> Workspace:
        found = await _workspace(tx, workspace)
        await workspaces.limit(tx, found.id, concurrency=concurrency)
        return await _workspace(tx, workspace)

    async with open_database(settings) as db:
        return await db.write(limit)


async def add_credits(
    settings: Settings, *, workspace: str, usd: float, note: str | None = None
) -> int:
    """Add to the wallet of a workspace (its slug) and return the new balance in micros.

    Raises:
        Refused: `invalid_request` for an amount that makes no sense, `not_found`.
        NoData, SchemaTooNew: as `create_workspace`.
    """
    amount = billing.micros(usd) if 0 < usd < _MOST_USD else 0
    if amount <= 0:
        raise Refused(
            "invalid_request", f"credits are added in amounts above $0 and below ${_MOST_USD:,}"
        )

    async def add(tx: Transaction) -> int:
        found = await _workspace(tx, workspace)
        return await billing.add_credits(
            tx, workspace_id=found.id, micros=amount, note=note, now=now()
        )

    async with open_database(settings) as db:
        return await db.write(add)


async def create_key(
    settings: Settings, *, workspace: str, name: str = "admin", kind: KeyKind = "secret"
) -> str:
    """Mint an unfenced key of a workspace (its slug) and return its text, to be shown once.

    Raises:
        Refused: `not_found`.
        NoData, SchemaTooNew: as `create_workspace`.
    """
    token = tokens.mint(kind)

    async def mint(tx: Transaction) -> None:
        found = await _workspace(tx, workspace)
        await keys.mint(tx, token, workspace_id=found.id, name=name, now=now())

    async with open_database(settings) as db:
        await db.write(mint)
    return token.text


async def make_link(settings: Settings, *, page: str | None = None) -> str:
    """Return a URL that signs one browser in, once and soon, with the bootstrap or first key, and
    leads to `page`, a path of the dashboard.

    Raises:
        Refused: `key_not_found`, neither of them is good.
        NoData, SchemaTooNew: as `create_workspace`.
    """
    async with open_database(settings) as db:
        secret = await db.write(lambda tx: sessions.make_operators_link(tx, now=now()))
    if secret is None:
        raise Refused(
            "key_not_found",
            "the key of the first start was revoked: set PURAS_BOOTSTRAP_KEY, or sign in with a "
            "key that `puras admin key create` makes",
        )
    return link_url(settings, secret, page=page)


async def rotate_secrets(settings: Settings) -> int:
    """Seal every secret anew with the first secrets key; return how many another one had sealed.

    Raises:
        CannotOpen: one of them was sealed with a key that is not there; then none is changed.
        BadSetting: PURAS_SECRETS_KEY makes no sense.
        NoData, SchemaTooNew: as `create_workspace`.
    """
    await check_schema(settings)
    vault = Vault(secrets_keys(settings))
    async with open_database(settings) as db:
        return await db.write(lambda tx: secrets.reseal_all(tx, vault))


async def migrate(settings: Settings) -> tuple[int | None, int]:
    """Bring the data to this code's schema; return its version before, None without data, and now.

    Raises:
        DataInUse: a server has the data folder, with SQLite.
        SchemaTooNew: the data was written by a newer version.
        Unavailable: PostgreSQL can't be reached, or lets us not make tables.
    """
    before = await _found_version(settings)
    if settings.database_url is not None:
        from puras.server.db.migrate_postgres import migrate_postgres

        return before, await migrate_postgres(settings.database_url)
    with closing(Home(settings.home)):
        return before, await asyncio.to_thread(migrate_sqlite, settings.database_path)


async def _found_version(settings: Settings) -> int | None:
    try:
        return await _schema_version(settings)
    except NoData:
        return None


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database as it is, without bringing it to another version.

    Raises:
        NoData, SchemaTooNew: it is not there, or not of this version.
        Unavailable: it can't be reached.
    """
    await check_schema(settings)
    async with connected(settings) as db:
        yield db


async def check_schema(settings: Settings) -> int:
    """Return the schema's version if it is this code's. Raises as `open_database`."""
    version = await _schema_version(settings)
    known = latest("sqlite" if settings.database_url is None else "postgres")
    if version < known:
        raise SchemaTooOld(
            f"the data has schema {version}, not {known}: run `puras admin migrate`, or start the "
            "server, which does the same"
        )
    if version > known:
        raise SchemaTooNew(f"the data has schema {version}, not {known}: use the newer Puras")
    return version


async def _schema_version(settings: Settings) -> int:
    if settings.database_url is not None:
        need_postgres()
        from puras.server.db.migrate_postgres import schema_version

        found = await schema_version(settings.database_url)
        if found is None:
            raise NoData("there is no data in PURAS_DATABASE_URL: run `puras serve` once")
        return found
    if not settings.database_path.exists():
        raise NoData(f"there is no data in {settings.home}: run `puras serve` once, or name --data")
    with closing(connect(settings.database_path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def _workspace(tx: Transaction, slug: str) -> Workspace:
    found = await workspaces.by_slug(tx, slug)
    if found is None:
        raise Refused(
            "not_found",
            f"there is no workspace `{slug}`: see `puras admin workspace list`",
        )
    return found
