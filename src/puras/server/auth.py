"""Who is calling, and may this key do that: the first checks of every request.

A key that is missing, malformed, unknown, revoked or expired goes the same way and gets the same
words: one lookup, one hash, one comparison in constant time.
"""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request

from puras.server.caller import Caller, Power
from puras.server.clock import SECOND, Micros
from puras.server.keys import store, tokens
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.settings import Settings

_NO_HASH = tokens.hash_secret("no key has this secret")
_log = structlog.get_logger("puras.auth")


async def authenticate(platform: Platform, request: Request) -> Caller:
    """Return the caller behind a request's key. Raises Refused (`invalid_api_key`)."""
    token = _presented(platform.settings, request)
    credential = await platform.db.glance(lambda tx: store.find_caller(tx, token.prefix))
    expected = credential.secret_hash if credential else _NO_HASH
    genuine = hmac.compare_digest(token.secret_hash, expected)
    alive = credential is not None and credential.is_alive(platform.clock())
    if credential is None or not (genuine and alive and credential.caller.kind == token.kind):
        raise Refused(
            "invalid_api_key",
            "this API key is not valid: send `Authorization: Bearer <key>` with a key that exists, "
            "is not revoked and has not expired",
        )
    return credential.caller


async def still_valid(platform: Platform, caller: Caller) -> bool:
    """Tell whether the key of an answer that lasts, such as a stream, is good to this moment."""
    return await platform.db.glance(
        lambda tx: store.is_alive(tx, key_id=caller.key_id, now=platform.clock())
    )


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


def _presented(settings: Settings, request: Request) -> tokens.Token:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return tokens.NOBODY
    text = text.strip()
    return tokens.parse(text) or _required(settings, request, text) or tokens.NOBODY


def _required(settings: Settings, request: Request, text: str) -> tokens.Token | None:
    """Read the operator's own token, where it is no well-formed key: on this machine only."""
    if settings.require_key is None or not text or not settings.is_loopback:
        return None
    token = tokens.required(settings.require_key)
    if token.is_well_formed or not _is_loopback(request.headers.get("origin")):
        return None
    return tokens.required(text)


def _is_loopback(origin: str | None) -> bool:
    if origin is None:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or _is_loopback_address(host)


def _is_loopback_address(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)
