"""The rows of signed-in browsers: links that begin a session, its cookie, its bearer tokens.

A session stands for its key and for nothing more: it is over with the key (revoked, expired, or
given another secret), and a token of it has exactly the powers that the key has at that moment.
The cookie moves on as it is used. The one before it stays good until the new one moves on in turn,
so that two tabs at once, or an answer that was lost, sign nobody out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from puras.server.clock import SECOND, Micros, iso, new_id
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.keys import store as keys
from puras.server.keys.store import Credential
from puras.server.keys.tokens import hash_secret
from puras.server.refusals import Refused
from puras.server.sessions import tokens
from puras.wire import (
    LINK_SECONDS,
    MAX_LIST_PAGE,
    MAX_SESSION_TOKENS,
    MAX_SIGN_IN_FAILURES,
    SESSION_SECONDS,
    SESSION_TOKEN_SECONDS,
    Session,
)

QUERIES = load(__file__)
ROTATE_SECONDS = 60.0
"""How long a cookie stays the same at the least."""
_MINUTE = 60 * SECOND
_MOST_AGENT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that is good, and the key that it stands for."""

    id: str
    credential: Credential
    row: Row = field(repr=False)


async def make_link(tx: Transaction, *, key_id: str, now: Micros) -> str:
    """Keep a new one-time link of a key and return its secret, which is not kept."""
    secret = tokens.mint()
    expires_at = now + int(LINK_SECONDS * SECOND)
    await tx.run(
        QUERIES.insert_link, token_hash=hash_secret(secret), key_id=key_id, expires_at=expires_at
    )
    return secret


async def make_operators_link(tx: Transaction, *, now: Micros) -> str | None:
    """Make a link of the bootstrap key, else of the first one; None where neither is good."""
    row = await tx.one(QUERIES.operators_key, now=now)
    return None if row is None else await make_link(tx, key_id=row["id"], now=now)


async def use_link(tx: Transaction, secret: str, *, now: Micros) -> Credential | None:
    """Use a link up and return its key; None for one that is unknown, used or expired."""
    used = await tx.one(QUERIES.use_link, token_hash=hash_secret(secret), now=now)
    row = None if used is None else await tx.one(QUERIES.prefix_of, key_id=used["key_id"])
    return None if row is None else await _good(tx, row["prefix"], now=now)


async def begin(
    tx: Transaction, credential: Credential, *, cookie: str, user_agent: str | None, now: Micros
) -> Session:
    """Begin the session of a cookie."""
    id, expires_at = new_id(), now + int(SESSION_SECONDS * SECOND)
    agent = None if user_agent is None else user_agent[:_MOST_AGENT_CHARACTERS]
    await tx.run(
        QUERIES.insert,
        id=id,
        key_id=credential.caller.key_id,
        key_hash=credential.secret_hash,
        cookie_hash=hash_secret(cookie),
        user_agent=agent,
        expires_at=expires_at,
        now=now,
    )
    made = {"id": id, "user_agent": agent, "created_at": now, "last_used_at": now}
    return _shown({**made, "expires_at": expires_at}, current=id)


async def find(tx: Transaction, cookie: str, *, now: Micros) -> SignedIn | None:
    """Return the session of a cookie; None where it or its key is not good."""
    row = await tx.one(QUERIES.by_cookie, cookie_hash=hash_secret(cookie), now=now)
    return await _signed_in(tx, row, now=now)


async def find_to_change(tx: Transaction, cookie: str, *, now: Micros) -> SignedIn | None:
    """As `find`; nobody else changes the session until the end of the transaction."""
    row = await tx.one(QUERIES.by_cookie_to_change, cookie_hash=hash_secret(cookie), now=now)
    return await _signed_in(tx, row, now=now)


async def rotate(tx: Transaction, session: SignedIn, cookie: str, *, now: Micros) -> str | None:
    """Move a session on to a new cookie and return it; None while its time has not come.

    `cookie` is the one it was found by. It stays good until the new one moves on, so the browser
    that never got the new one can ask again.
    """
    await tx.run(QUERIES.touch, id=session.id, now=now)
    if now - session.row["rotated_at"] < ROTATE_SECONDS * SECOND:
        return None
    new = tokens.mint()
    await tx.run(
        QUERIES.rotate,
        id=session.id,
        cookie_hash=hash_secret(new),
        former_hash=hash_secret(cookie),
        now=now,
    )
    return new


async def give_token(tx: Transaction, session: SignedIn, *, now: Micros) -> tuple[str, Micros]:
    """Make a bearer token and return it with its expiry. Beyond a number, the oldest one goes."""
    token, expires_at = tokens.mint_bearer(), now + int(SESSION_TOKEN_SECONDS * SECOND)
    await tx.run(
        QUERIES.insert_token,
        token_hash=hash_secret(token),
        session_id=session.id,
        expires_at=expires_at,
    )
    await tx.run(QUERIES.prune_tokens, session_id=session.id, now=now, most=MAX_SESSION_TOKENS)
    return token, expires_at


async def find_caller(tx: Transaction, token: str, *, now: Micros) -> Credential | None:
    """Return who comes with a bearer token; its `secret_hash` is that of the token."""
    token_hash = hash_secret(token)
    row = await tx.one(QUERIES.by_token, token_hash=token_hash, now=now)
    found = None if row is None else await keys.find_caller(tx, row["prefix"])
    if row is None or found is None:
        return None
    caller = replace(found.caller, session_id=row["id"])
    return Credential(caller, token_hash, found.revoked_at)


async def is_alive(tx: Transaction, *, session_id: str, now: Micros) -> bool:
    """Tell whether a session that was good is so still; its key is another question."""
    return await tx.one(QUERIES.alive, id=session_id, now=now) is not None


async def of_key(tx: Transaction, *, key_id: str, current: str, now: Micros) -> list[Session]:
    """Return the sessions of a key, newest first."""
    rows = await tx.all(QUERIES.of_key, key_id=key_id, now=now, most=MAX_LIST_PAGE)
    return [_shown(row, current=current) for row in rows]


async def end(tx: Transaction, *, session_id: str, key_id: str) -> None:
    """End a session of a key, and its tokens with it. Raises Refused (`session_not_found`)."""
    if not await tx.run(QUERIES.delete, id=session_id.lower(), key_id=key_id):
        raise Refused(
            "session_not_found", "there is no such session of this key: list them at `GET /session`"
        )


async def end_by_cookie(tx: Transaction, cookie: str) -> None:
    """End the session of a cookie, if there is one."""
    await tx.run(QUERIES.delete_by_cookie, cookie_hash=hash_secret(cookie))


async def count_try(tx: Transaction, *, sender: str, now: Micros) -> None:
    """Count a try to sign in as failed, until `forget_tries` says otherwise.

    Raises Refused (`too_many_attempts`) for a sender who has no more tries in this minute.
    """
    row = await tx.one(
        QUERIES.count_failure, sender=sender, minute=now // _MINUTE, most=MAX_SIGN_IN_FAILURES
    )
    if row is None:
        raise Refused(
            "too_many_attempts",
            f"{MAX_SIGN_IN_FAILURES} wrong keys or links came from your address within a minute: "
            "wait, and look at what you send",
            retry_after=(_MINUTE - now % _MINUTE + SECOND - 1) // SECOND,
        )


async def forget_tries(tx: Transaction, *, sender: str) -> None:
    await tx.run(QUERIES.forget_failures, sender=sender)


async def prune(tx: Transaction, *, now: Micros) -> None:
    """Forget sessions, links and failures whose time is over."""
    await tx.run(QUERIES.prune_sessions, now=now)
    await tx.run(QUERIES.prune_links, now=now)
    await tx.run(QUERIES.prune_failures, minute=now // _MINUTE)


async def _signed_in(tx: Transaction, row: Row | None, *, now: Micros) -> SignedIn | None:
    credential = None if row is None else await _good(tx, row["prefix"], now=now)
    return None if row is None or credential is None else SignedIn(row["id"], credential, row)


async def _good(tx: Transaction, prefix: str, *, now: Micros) -> Credential | None:
    found = await keys.find_caller(tx, prefix)
    return found if found is not None and found.is_alive(now) else None


def _shown(row: Row, *, current: str) -> Session:
    return {
        "id": row["id"],
        "user_agent": row["user_agent"],
        "created_at": iso(row["created_at"]),
        "last_used_at": iso(row["last_used_at"]),
        "expires_at": iso(row["expires_at"]),
        "current": row["id"] == current,
    }
