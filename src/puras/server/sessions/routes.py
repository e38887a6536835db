"""`/session`: how a browser signs in with a key or a link, and gets tokens for the API.

The cookie is HttpOnly, goes to no other path than these, and is worth nothing on `/v1`. What a page
calls the API with is a token of 15 minutes that it keeps in memory. There is no CORS here.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from puras import wire
from puras.server.clock import Micros, iso
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.keys import presented
from puras.server.keys import store as keys
from puras.server.keys.store import Credential
from puras.server.refusals import Refused
from puras.server.sender import sender_of
from puras.server.sessions import store, tokens
from puras.server.sessions.same_origin import check_same_origin
from puras.server.sessions.store import SignedIn

routes = Routes("sessions")

_NO_STORE = {"Cache-Control": "no-store"}


@routes.post(
    "/session",
    needs=None,
    cookie=True,
    body=wire.SignIn,
    strict=True,
    returns=wire.Session,
    status=201,
    codes=(
        *("not_same_origin", "invalid_api_key", "invalid_link", "key_kind_not_allowed"),
        "too_many_attempts",
    ),
)
async def sign_in(call: Call) -> Reply:
    """Begin a session with a secret key or with a one-time link; the answer sets the cookie.

    A session that this browser had before is over.
    """
    _check_same_origin(call)
    if len(call.body) != 1:
        raise Refused("invalid_request", "send either `key` or `link`, and not both")
    platform, now = call.platform, call.platform.clock()
    sender = sender_of(call.request, platform.settings.trusted_proxies)
    await platform.db.write(lambda tx: store.count_try(tx, sender=sender, now=now))
    cookie = tokens.mint()

    async def begin(tx: Transaction) -> wire.Session:
        credential = await _credential(tx, call, now=now)
        await store.forget_tries(tx, sender=sender)
        if former := _cookie(call):
            await store.end_by_cookie(tx, former)
        agent = call.request.headers.get("user-agent")
        return await store.begin(tx, credential, cookie=cookie, user_agent=agent, now=now)

    session = await platform.db.write(begin)
    return _reply(call, session, cookie=cookie, seconds=int(wire.SESSION_SECONDS))


@routes.post(
    "/session/token",
    needs=None,
    cookie=True,
    returns=wire.SessionToken,
    codes=("not_same_origin", "not_signed_in"),
)
async def give_token(call: Call) -> Reply:
    """Make a token for `/v1` that is good for 15 minutes, with the powers that the key has."""
    _check_same_origin(call)
    now, cookie = call.platform.clock(), _cookie(call)

    async def effect(tx: Transaction) -> tuple[SignedIn, str | None, wire.SessionToken]:
        session = await store.find_to_change(tx, cookie, now=now)
        if session is None:
            raise _not_signed_in()
        moved_on = await store.rotate(tx, session, cookie, now=now)
        token, expires_at = await store.give_token(tx, session, now=now)
        caller = session.credential.caller
        given: wire.SessionToken = {
            "token": token,
            "expires_at": iso(expires_at),
            "power": _power(session.credential),
            "key": await keys.get(
                tx, workspace_id=caller.workspace_id, key_id=caller.key_id, now=now
            ),
            "workspace_id": caller.workspace_id,
            "workspace": caller.workspace,
        }
        return session, moved_on, given

    session, moved_on, given = await call.platform.db.write(effect)
    left = (session.row["expires_at"] - now) // 1_000_000
    return _reply(call, given, cookie=moved_on, seconds=left)


@routes.get(
    "/session",
    needs=None,
    cookie=True,
    returns=list[wire.Session],
    codes=("not_signed_in",),
)
async def list_sessions(call: Call) -> Reply:
    """List the sessions of the key that this browser signed in with, newest first."""
    now, cookie = call.platform.clock(), _cookie(call)

    async def look_up(tx: Transaction) -> list[wire.Session]:
        session = await store.find(tx, cookie, now=now)
        if session is None:
            raise _not_signed_in()
        key_id = session.credential.caller.key_id
        return await store.of_key(tx, key_id=key_id, current=session.id, now=now)

    return Reply(await call.platform.db.read(look_up), headers=_NO_STORE)


@routes.delete("/session", needs=None, cookie=True, status=204, codes=("not_same_origin",))
async def sign_out(call: Call) -> Reply:
    """End this browser's session: its cookie and its tokens are worth nothing from here on."""
    _check_same_origin(call)
    if cookie := _cookie(call):
        await call.platform.db.write(lambda tx: store.end_by_cookie(tx, cookie))
    return _reply(call, None, cookie="", seconds=0)


@routes.delete(
    "/session/{session_id}",
    needs=None,
    cookie=True,
    status=204,
    codes=("not_same_origin", "not_signed_in", "session_not_found"),
)
async def end_session(call: Call) -> Response | Reply:
    """End another session of the same key."""
    _check_same_origin(call)
    now, cookie = call.platform.clock(), _cookie(call)

    async def effect(tx: Transaction) -> None:
        session = await store.find_to_change(tx, cookie, now=now)
        if session is None:
            raise _not_signed_in()
        key_id = session.credential.caller.key_id
        await store.end(tx, session_id=call.path["session_id"], key_id=key_id)

    await call.platform.db.write(effect)
    return Reply(None, headers=_NO_STORE)


async def _credential(tx: Transaction, call: Call, *, now: Micros) -> Credential:
    """Return who signs in. Raises Refused (`invalid_api_key`, `invalid_link`,
    `key_kind_not_allowed`)."""
    body, settings = call.body, call.platform.settings
    if "link" in body:
        found = await store.use_link(tx, body["link"], now=now)
        if found is None:
            raise Refused(
                "invalid_link",
                "this link was used before, or is too old: sign in with a secret key, or make "
                "another link with `puras admin link`",
            )
        return found
    token = presented.read(settings, body["key"].strip(), origin=call.request.headers.get("origin"))
    found = presented.genuine(await keys.find_caller(tx, token.prefix), token, now=now)
    if found.caller.is_publishable:
        raise Refused(
            "key_kind_not_allowed", "a publishable API key can't sign in: use a secret key"
        )
    return found


def _check_same_origin(call: Call) -> None:
    check_same_origin(
        call.request.headers,
        method=call.request.method,
        public_url=call.platform.settings.public_url,
    )


def _cookie(call: Call) -> str:
    return call.request.cookies.get(tokens.COOKIE, "")


def _power(credential: Credential) -> wire.SessionPower:
    powers: dict[str, wire.SessionPower] = {"NARROW": "narrow", "LIMITED": "limited"}
    return powers.get(credential.caller.power.name, "full")


def _reply(call: Call, value: Any, *, cookie: str | None, seconds: int) -> Reply:
    """Answer, with the cookie where there is a new one; the empty one takes it away."""
    headers = dict(_NO_STORE)
    if cookie is not None:
        secure = "; Secure" if call.platform.settings.public_url.startswith("https://") else ""
        headers["Set-Cookie"] = (
            f"{tokens.COOKIE}={cookie}; Path=/session; Max-Age={seconds}; HttpOnly; "
            f"SameSite=Strict{secure}"
        )
    return Reply(value, headers=headers)


def _not_signed_in() -> Refused:
    return Refused(
        "not_signed_in", "this browser is not signed in, or its session is over: sign in at /login"
    )
