"""Reads a key as somebody presents it, and tells whether it is good.

A key that is missing, malformed, unknown, revoked or expired goes the same way and gets the same
words: one lookup, one hash, one comparison in constant time.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from puras.server.clock import Micros
from puras.server.keys import tokens
from puras.server.keys.store import Credential
from puras.server.keys.tokens import Token
from puras.server.refusals import Refused
from puras.server.settings import Settings

_NO_HASH = tokens.hash_secret("no key has this secret")


def read(settings: Settings, text: str, *, origin: str | None) -> Token:
    """Read a key's text, that of the operator's own `--require-key` too; `origin` is that of the
    page it comes from, None for no page."""
    return tokens.parse(text) or _required(settings, text, origin) or tokens.NOBODY


def genuine(credential: Credential | None, token: Token, *, now: Micros) -> Credential:
    """Return what was found for a token, if it is the token's and good.

    Raises:
        Refused: `invalid_api_key`.
    """
    expected = credential.secret_hash if credential else _NO_HASH
    same = hmac.compare_digest(token.secret_hash, expected)
    alive = credential is not None and credential.is_alive(now)
    if credential is None or not (same and alive and credential.caller.kind == token.kind):
        raise Refused(
            "invalid_api_key",
            "this API key is not valid: send `Authorization: Bearer <key>` with a key that exists, "
            "is not revoked and has not expired",
        )
    return credential


def _required(settings: Settings, text: str, origin: str | None) -> Token | None:
    """Read the operator's own token, where it is no well-formed key: on this machine only."""
    if settings.require_key is None or not text or not settings.is_loopback:
        return None
    token = tokens.required(settings.require_key)
    if token.is_well_formed or not _is_loopback(origin):
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
