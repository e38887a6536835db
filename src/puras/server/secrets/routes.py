"""A skillpack's secrets: which there are, setting and deleting them. No answer shows a value."""

from __future__ import annotations

import re

from starlette.responses import Response

from puras import wire
from puras.server.bodies import invalid
from puras.server.caller import Power
from puras.server.clock import iso
from puras.server.db.database import Transaction
from puras.server.endpoint import Call, Reply, Routes
from puras.server.secrets import store
from puras.server.secrets.store import SecretName
from puras.server.secrets.vault import Owner
from puras.server.skillpacks import store as skillpacks
from puras.wire import MAX_SECRET_BYTES, Fault

routes = Routes("secrets")

_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,127}", re.ASCII)


@routes.get(
    "/v1/skillpacks/{ref}/secrets",
    returns=list[wire.Secret],
    needs=Power.LIMITED,
    codes=("skillpack_not_found",),
)
async def list_secrets(call: Call) -> Reply:
    """List the names of a skillpack's secrets; their values are never shown."""

    async def look_up(tx: Transaction) -> list[SecretName]:
        return await store.names(tx, await _skillpack_id(tx, call))

    return Reply([_on_wire(secret) for secret in await call.platform.db.read(look_up)])


@routes.put(
    "/v1/skillpacks/{ref}/secrets",
    body=wire.SecretBody,
    strict=True,
    returns=wire.Secret,
    needs=Power.FULL,
    codes=("skillpack_not_found",),
)
async def set_secret(call: Call) -> Reply:
    """Set a secret; runs that begin from now on get it as an environment variable."""
    name, value = call.body["name"], call.body["value"]
    check(name, value)

    async def put(tx: Transaction) -> SecretName:
        owner = Owner(await _skillpack_id(tx, call), name)
        platform = call.platform
        return await store.put(tx, platform.vault, owner=owner, value=value, now=platform.clock())

    return Reply(_on_wire(await call.platform.db.write(put)))


@routes.delete(
    "/v1/skillpacks/{ref}/secrets/{name}",
    status=204,
    needs=Power.FULL,
    codes=("skillpack_not_found", "secret_not_found"),
)
async def delete_secret(call: Call) -> Response:
    """Delete a secret; runs that begin from now on do not have it."""

    async def delete(tx: Transaction) -> None:
        await store.delete(tx, Owner(await _skillpack_id(tx, call), call.path["name"]))

    await call.platform.db.write(delete)
    return Response(status_code=204)


def check(name: str, value: str) -> None:
    """Refuse, as `invalid_request` with every fault, what can't be a secret."""
    faults: list[Fault] = []
    if not _NAME.fullmatch(name):
        rule = "must be 1 to 128 of A-Z, 0-9 and `_`, and not begin with a digit"
        faults.append({"path": "$.name", "message": rule})
    elif name == "PATH" or name.startswith("PURAS_"):
        rule = "must not be `PATH` or begin with `PURAS_`: the run needs those for itself"
        faults.append({"path": "$.name", "message": rule})
    if not value or "\0" in value:
        rule = "must not be empty or have a NUL character: delete a secret that is not needed"
        faults.append({"path": "$.value", "message": rule})
    elif len(value.encode()) > MAX_SECRET_BYTES:
        faults.append(
            {"path": "$.value", "message": f"must have at most {MAX_SECRET_BYTES >> 10} KiB"}
        )
    if faults:
        raise invalid(faults)


async def _skillpack_id(tx: Transaction, call: Call) -> str:
    found = await skillpacks.find_own(tx, call.path["ref"], workspace_id=call.caller.workspace_id)
    return found.id


def _on_wire(secret: SecretName) -> wire.Secret:
    return {"name": secret.name, "updated_at": iso(secret.updated_at)}
