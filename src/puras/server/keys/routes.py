"""`/v1/keys`: minting, listing, fencing and revoking API keys.

Only a key without any fence comes here, so no key can widen itself. Revoking the last such key is
allowed: the operator can always mint another one (`puras admin key create`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from puras import wire
from puras.server.bodies import invalid
from puras.server.caller import Power
from puras.server.clock import Micros, new_id
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.idempotency import store as idempotency
from puras.server.idempotency.guard import replayed, take_ticket
from puras.server.idempotency.store import Kept
from puras.server.keys import allowlist, fences, store, tokens
from puras.server.keys.fences import Fences
from puras.server.parameters import page, page_reply
from puras.wire import KeyKind

routes = Routes("keys")

_PAGE = {"limit": "how many at most: 50, at most 200", "before": "the id of the last key shown"}


@routes.post(
    "/v1/keys",
    needs=Power.FULL,
    body=wire.KeyCreate,
    strict=True,
    returns=wire.MintedKey,
    status=201,
    idempotent=True,
)
async def mint_key(call: Call) -> Reply:
    """Mint an API key. The answer is the only one that shows `key`."""
    ticket = take_ticket(call)
    token = tokens.mint(call.body["kind"])
    key_id, now = new_id(), call.platform.clock()

    async def effect(tx: Transaction) -> Kept | None:
        kept = await idempotency.remember(tx, ticket, status=201, resource_id=key_id, now=now)
        if kept is None:
            await _mint(tx, call, token=token, key_id=key_id, now=now)
        return kept

    kept = await call.platform.db.write(effect)
    if kept is not None:
        return replayed(await _get(call, kept.resource_id), kept)
    return Reply({**await _get(call, key_id), "key": token.text})


@routes.get("/v1/keys", needs=Power.FULL, returns=list[wire.Key], query=_PAGE)
async def list_keys(call: Call) -> Reply:
    """List the workspace's API keys, newest first, revoked ones too."""
    asked = page(call)
    found = await call.platform.db.read(
        lambda tx: store.page(
            tx,
            workspace_id=call.caller.workspace_id,
            limit=asked.limit + 1,
            before=asked.before,
            now=call.platform.clock(),
        )
    )
    return page_reply(call, found, limit=asked.limit)


@routes.get("/v1/keys/{key_id}", needs=Power.FULL, returns=wire.Key, codes=("key_not_found",))
async def get_key(call: Call) -> Reply:
    """Show an API key: its fences, its last use, what it spent today."""
    return Reply(await _get(call, call.path["key_id"]))


@routes.patch(
    "/v1/keys/{key_id}",
    needs=Power.FULL,
    body=wire.KeyPatch,
    strict=True,
    returns=wire.Key,
    codes=("key_not_found",),
)
async def change_key(call: Call) -> Reply:
    """Rename an API key or move its fences; null takes a fence away, what is left out stays."""
    workspace_id, key_id = call.caller.workspace_id, call.path["key_id"]
    now = call.platform.clock()

    async def effect(tx: Transaction) -> wire.Key:
        key = await store.get(tx, workspace_id=workspace_id, key_id=key_id, now=now)
        changes = await _read(tx, call.body, kind=key["kind"], workspace_id=workspace_id, now=now)
        await store.change(tx, workspace_id=workspace_id, key_id=key_id, changes=changes)
        return await store.get(tx, workspace_id=workspace_id, key_id=key_id, now=now)

    return Reply(await call.platform.db.write(effect))


@routes.delete("/v1/keys/{key_id}", needs=Power.FULL, status=204, codes=("key_not_found",))
async def revoke_key(call: Call) -> Reply:
    """Revoke an API key at once and for good; its row is kept for the record."""
    await call.platform.db.write(
        lambda tx: store.revoke(
            tx,
            workspace_id=call.caller.workspace_id,
            key_id=call.path["key_id"],
            now=call.platform.clock(),
        )
    )
    return Reply(None)


async def _mint(
    tx: Transaction, call: Call, *, token: tokens.Token, key_id: str, now: Micros
) -> None:
    workspace_id = call.caller.workspace_id
    values = await _read(tx, call.body, kind=token.kind, workspace_id=workspace_id, now=now)
    name = values.pop("name")
    await store.mint(
        tx,
        token,
        workspace_id=workspace_id,
        name=name,
        now=now,
        fences=Fences(**values),
        key_id=key_id,
    )


async def _read(
    tx: Transaction, body: Mapping[str, Any], *, kind: KeyKind, workspace_id: str, now: Micros
) -> dict[str, Any]:
    """Return the name and the fences that a body sets. Raises Refused with every fault at once."""
    values, faults = fences.read(body, kind=kind, now=now)
    asked = body.get("skills", "all")
    if asked != "all":
        values["skills"], unresolved = await allowlist.resolve(tx, asked, workspace_id=workspace_id)
        faults += unresolved
    elif "skills" in body:
        values["skills"] = None
    if faults:
        raise invalid(faults)
    return values


async def _get(call: Call, key_id: str) -> wire.Key:
    now = call.platform.clock()
    return await call.platform.db.read(
        lambda tx: store.get(tx, workspace_id=call.caller.workspace_id, key_id=key_id, now=now)
    )
