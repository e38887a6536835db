"""A skillpack's secrets: sealed values, and a version that moves whenever one changes.

The version is part of what a warm parent is known by (`worker.process.zygotes`), so no process that
knows an old value is given to a run that was claimed after the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from puras.server.clock import Micros
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.refusals import Refused
from puras.server.secrets.vault import Owner, Sealed, Vault
from puras.wire import MAX_SECRETS

QUERIES = load(__file__)


@dataclass(frozen=True, slots=True)
class SecretName:
    """What may be shown of a secret."""

    name: str
    updated_at: Micros


@dataclass(frozen=True, slots=True)
class Secrets:
    """All secrets of a skillpack, for a run of it; `version` changes when one of them does."""

    version: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


async def names(tx: Transaction, skillpack_id: str) -> list[SecretName]:
    """Return the names that are set, in their order."""
    rows = await tx.all(QUERIES.names, skillpack_id=skillpack_id)
    return [SecretName(row["name"], row["updated_at"]) for row in rows]


async def missing(tx: Transaction, skillpack_id: str, needs: Sequence[str]) -> list[str]:
    """Return which of the names that a skill needs are not set."""
    if not needs:
        return []
    known = {secret.name for secret in await names(tx, skillpack_id)}
    return [name for name in needs if name not in known]


async def put(
    tx: Transaction, vault: Vault, *, owner: Owner, value: str, now: Micros
) -> SecretName:
    """Set a secret, in the place of what it was.

    Raises:
        Refused: `invalid_request`, where the skillpack has as many as it may.
    """
    await tx.run(QUERIES.move_version, skillpack_id=owner.skillpack_id)
    known = {secret.name for secret in await names(tx, owner.skillpack_id)}
    if owner.name not in known and len(known) >= MAX_SECRETS:
        raise Refused(
            "invalid_request", f"a skillpack has at most {MAX_SECRETS} secrets: delete one first"
        )
    sealed = vault.seal(value, owner=owner)
    await tx.run(QUERIES.put, **owner._asdict(), key_id=sealed.key_id, sealed=sealed.data, now=now)
    return SecretName(owner.name, now)


async def delete(tx: Transaction, owner: Owner) -> None:
    """Delete a secret. Raises Refused (`secret_not_found`)."""
    if await tx.run(QUERIES.delete, **owner._asdict()) == 0:
        raise Refused(
            "secret_not_found",
            f"this skillpack has no secret `{owner.name}`: list its secrets",
        )
    await tx.run(QUERIES.move_version, skillpack_id=owner.skillpack_id)


async def delete_all(tx: Transaction, skillpack_id: str) -> None:
    """Delete every secret of a skillpack that is being deleted."""
    await tx.run(QUERIES.delete_all, skillpack_id=skillpack_id)


async def sealed_of(tx: Transaction, skillpack_id: str) -> tuple[str, list[Row]]:
    """Return the version of a skillpack's secrets, and their rows, to be opened by `open_all`."""
    rows = await tx.all(QUERIES.of_skillpack, skillpack_id=skillpack_id)
    version = str(rows[0]["secrets_version"]) if rows else ""
    return version, [row for row in rows if row["name"] is not None]


def open_all(vault: Vault, version: str, rows: Sequence[Row]) -> Secrets:
    """Open what `sealed_of` gave. Raises CannotOpen."""
    return Secrets(version, {row["name"]: open_one(vault, row) for row in rows})


async def every(tx: Transaction) -> list[Row]:
    """Return the rows of all secrets of all skillpacks."""
    return await tx.all(QUERIES.every)


async def reseal_all(tx: Transaction, vault: Vault) -> int:
    """Seal anew, with the first key, what another one sealed; return how many.

    Nothing is changed where one can't be opened. Raises CannotOpen.
    """
    rows = await tx.all(QUERIES.sealed_otherwise, key_id=vault.key_id)
    for row in rows:
        owner = Owner(row["skillpack_id"], row["name"])
        sealed = vault.seal(open_one(vault, row), owner=owner)
        await tx.run(QUERIES.reseal, **owner._asdict(), key_id=sealed.key_id, sealed=sealed.data)
    return len(rows)


def open_one(vault: Vault, row: Row) -> str:
    """Open the secret of a row. Raises CannotOpen."""
    owner = Owner(row["skillpack_id"], row["name"])
    return vault.open(Sealed(row["key_id"], bytes(row["sealed"])), owner=owner)
