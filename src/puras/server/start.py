"""What every start makes sure of: the workspace `local`, and the keys the operator has set.

The very first start also makes one unrestricted secret key, shown once; where the operator sets
`PURAS_BOOTSTRAP_KEY`, that is this key, and nothing needs to be shown.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Literal

from puras.server.billing.store import micros
from puras.server.caller import Power
from puras.server.clock import Micros
from puras.server.db.database import Database, Transaction
from puras.server.keys import store as keys
from puras.server.keys import tokens
from puras.server.keys.tokens import Token
from puras.server.sessions import store as sessions
from puras.server.settings import BadSetting, Settings
from puras.server.workspaces import store as workspaces
from puras.server.workspaces.store import Workspace

LOCAL = "local"
_NAMES = {"bootstrap": "PURAS_BOOTSTRAP_KEY", "required": "--require-key"}
_LEAST_BOOTSTRAP_LENGTH = 40


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The whole text of the key that the very first start makes, and the secret of a link that
    signs a browser in with it: to be shown this once."""

    text: str = field(repr=False)
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Start:
    """`first` is the key that was made now."""

    workspace: Workspace
    first: FirstKey | None = None


async def prepare(db: Database, *, settings: Settings, now: Micros) -> Start:
    """Bring workspace and keys to what the settings say, in one transaction.

    Raises:
        BadSetting: a key that the operator set can't be used.
    """
    bootstrap = read_bootstrap_key(settings.bootstrap_key)
    required = _read_required_key(settings.require_key)
    try:
        return await db.write(
            lambda tx: _prepare(
                tx, settings=settings, bootstrap=bootstrap, required=required, now=now
            )
        )
    except keys.TokenTaken as error:
        raise BadSetting(f"PURAS_BOOTSTRAP_KEY or --require-key: {error}") from None


def read_bootstrap_key(text: str | None) -> Token | None:
    """Read `PURAS_BOOTSTRAP_KEY`. Raises BadSetting, without showing the key."""
    if text is None:
        return None
    token = tokens.parse(text)
    if token is None or token.kind != "secret" or len(text) < _LEAST_BOOTSTRAP_LENGTH:
        raise BadSetting(
            "PURAS_BOOTSTRAP_KEY must be a whole secret key: `puras_live_`, 8 letters and digits, "
            "a dot, and 32 letters and digits"
        )
    return token


def _read_required_key(text: str | None) -> Token | None:
    if not text:
        return None
    token = tokens.required(text)
    if token.kind != "secret":
        raise BadSetting("--require-key takes a secret key, and this is a publishable one")
    return token


async def _prepare(
    tx: Transaction,
    *,
    settings: Settings,
    bootstrap: Token | None,
    required: Token | None,
    now: Micros,
) -> Start:
    workspace = await workspaces.by_slug(tx, LOCAL)
    first = None
    if workspace is None:
        workspace = await workspaces.create(
            tx,
            slug=LOCAL,
            name="Local",
            grant_micros=micros(settings.starting_credits_usd),
            now=now,
        )
        first = None if bootstrap else await _mint_first(tx, workspace, now=now)
    await _install(tx, bootstrap, origin="bootstrap", workspace=workspace, now=now)
    await _install(tx, required, origin="required", workspace=workspace, now=now)
    return Start(workspace, first)


async def _mint_first(tx: Transaction, workspace: Workspace, *, now: Micros) -> FirstKey:
    token = tokens.mint("secret")
    key_id = await keys.mint(
        tx, token, workspace_id=workspace.id, name="First key", now=now, origin="first"
    )
    return FirstKey(token.text, await sessions.make_link(tx, key_id=key_id, now=now))


async def _install(
    tx: Transaction,
    token: Token | None,
    *,
    origin: Literal["bootstrap", "required"],
    workspace: Workspace,
    now: Micros,
) -> None:
    """Make an operator's key the one of its origin, and revoke the one before it.

    A `--require-key` holds for this start only. A key that does the same already, such as the
    first one, is left as it is.
    """
    if token is None:
        if origin == "required":
            await keys.revoke_origin(tx, origin, now=now)
        return
    try:
        await keys.install(
            tx, token, workspace_id=workspace.id, origin=origin, name=_NAMES[origin], now=now
        )
    except keys.TokenTaken:
        if not await _is_good(tx, token, workspace=workspace, now=now):
            raise


async def _is_good(tx: Transaction, token: Token, *, workspace: Workspace, now: Micros) -> bool:
    """Tell whether a key opens the same door already: same secret, same workspace, no fence."""
    found = await keys.find_caller(tx, token.prefix)
    if found is None or not found.is_alive(now):
        return False
    same = hmac.compare_digest(found.secret_hash, token.secret_hash)
    caller = found.caller
    return same and caller.workspace_id == workspace.id and caller.power is Power.FULL
