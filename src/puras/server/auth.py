"""Who is calling, and may this key do that: the first checks of every request."""

from __future__ import annotations

import asyncio

import structlog
from starlette.requests import Request

from puras.server.caller import Caller, Power
from puras.server.clock import SECOND, Micros
from puras.server.db.database import Transaction
from puras.server.keys import presented, store, tokens
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.sender import sender_of
from puras.server.sessions import store as sessions
from puras.server.sessions.tokens import is_bearer

_log = structlog.get_logger("puras.auth")


async def authenticate(platform: Platform, request: Request) -> Caller:
    """Return the caller behind a request's key, or behind the token of a signed-in browser.

    Raises:
        Refused: `invalid_api_key`, or `too_many_attempts` where many wrong ones came from.
    """
    text, now = _bearer(request), platform.clock()
    guesses = platform.guesses
    if not guesses.was_right(text):
        guesses.check(_sender(platform, request), text, now=now)
    try:
        credential = await _credential(platform, request, text, now=now)
    except Refused:
        guesses.note_wrong(_sender(platform, request), text, now=now)
        raise
    guesses.note_right(text)
    return credential.caller


async def _credential(
    platform: Platform, request: Request, text: str, *, now: Micros
) -> store.Credential:
    if is_bearer(text):
        token = tokens.Token("secret", "", text)
        found = await platform.db.glance(lambda tx: sessions.find_caller(tx, text, now=now))
    else:
        origin = request.headers.get("origin")
        token = presented.read(platform.settings, text, origin=origin)
        found = await platform.db.glance(lambda tx: store.find_caller(tx, token.prefix))
    return presented.genuine(found, token, now=now)


async def still_valid(platform: Platform, caller: Caller) -> bool:
    """Tell whether who gets an answer that lasts, such as a stream, is good to this moment.

    A token may run out meanwhile: its session and its key are what counts.
    """

    async def look(tx: Transaction) -> bool:
        now, session_id = platform.clock(), caller.session_id
        if not await store.is_alive(tx, key_id=caller.key_id, now=now):
            return False
        return session_id is None or await sessions.is_alive(tx, session_id=session_id, now=now)

    return await platform.db.glance(look)


def check_origin(caller: Caller, request: Request) -> None:
    """Refuse a page that the key does not list. A request without `Origin` comes from no page."""
    origin = request.headers.get("origin")
    if origin is None or caller.allowed_origins is None or origin in caller.allowed_origins:
        return
    raise Refused(
        "origin_not_allowed",
        f"this API key may not be used from {origin[:200]}: add it to the key's allowed_origins",
    )


def check_power(caller: Caller, needs: Power) -> None:
    """Refuse a call that is beyond what the key's kind and fences leave."""
    if caller.power >= needs:
        return
    if caller.is_publishable:
        raise Refused(
            "key_kind_not_allowed",
            "a publishable API key can't do this: use a secret key, on a server of your own",
        )
    raise Refused(
        "key_fenced",
        "this API key is fenced (by an allowlist, a cap, a rate or an expiry): "
        "use a secret key that has fewer fences",
    )


class LastUse:
    """Notes when each key was last used: at most once a minute, and never in a request's way."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._noted: dict[str, Micros] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, caller: Caller) -> None:
        now = self._platform.clock()
        if now - self._noted.get(caller.key_id, -60 * SECOND) < 60 * SECOND:
            return
        self._noted[caller.key_id] = now
        task = asyncio.create_task(self._write(caller.key_id, now))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is still being written; call it before the database closes."""
        await asyncio.gather(*self._tasks)

    async def _write(self, key_id: str, now: Micros) -> None:
        try:
            await self._platform.db.write(lambda tx: store.touch(tx, key_id=key_id, now=now))
        except Exception:
            _log.warning("the last use of a key could not be noted", key_id=key_id, exc_info=True)


def _sender(platform: Platform, request: Request) -> str:
    return sender_of(request, platform.settings.trusted_proxies)


def _bearer(request: Request) -> str:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""
