"""Makes a request's idempotency ticket: what it is known by, and what it asks for.

A handler that has an effect uses it so:

    ticket = take_ticket(call)
    if kept := await db.read(lambda tx: store.find(tx, ticket)):
        return replayed(await the_thing(kept.resource_id), kept)
    ... checks ...
    async def effect(tx):
        if kept := await store.remember(tx, ticket, status=201, resource_id=job_id, now=now):
            return kept                     # a twin was quicker: do nothing
        ... inserts ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from puras.server.endpoint import Call, Reply
from puras.server.idempotency.store import Kept, Ticket
from puras.server.refusals import Refused

_NOT_PART_OF_IT = {"wait", "timeout"}
"""How long the client is willing to wait changes nothing about what it asks for."""


def take_ticket(call: Call, *, parts: Iterable[tuple[str, bytes | str]] = ()) -> Ticket | None:
    """Return the request's ticket; None when it came without `Idempotency-Key`.

    `parts` are the fields of a multipart body, a file by its digest: the raw bytes of such a body
    differ with each boundary. Raises Refused when the key is not 1 to 255 characters long.
    """
    idempotency_key = call.request.headers.get("idempotency-key")
    if idempotency_key is None:
        return None
    if not 1 <= len(idempotency_key) <= 255:
        raise Refused("invalid_request", "send an Idempotency-Key of 1 to 255 characters")
    return Ticket(
        key_id=call.caller.key_id,
        method=call.endpoint.method,
        path=call.request.scope["path"],
        idempotency_key=idempotency_key,
        fingerprint=_fingerprint(call, parts),
    )


def replayed(value: Any, kept: Kept) -> Reply:
    """Answer a repeat: the original status, and the resource as it is now."""
    return Reply(value, status=kept.status, headers={"Idempotent-Replayed": "true"})


def _fingerprint(call: Call, parts: Iterable[tuple[str, bytes | str]]) -> str:
    pairs = call.request.query_params.multi_items()
    query = urlencode(sorted(pair for pair in pairs if pair[0] not in _NOT_PART_OF_IT))
    digest = hashlib.sha256(query.encode())
    for piece in (call.raw_body, *(_part(name, value) for name, value in sorted(parts, key=_name))):
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()


def _part(name: str, value: bytes | str) -> bytes:
    content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return name.encode() + b"=" + content


def _name(part: tuple[str, bytes | str]) -> str:
    return part[0]
