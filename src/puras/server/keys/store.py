"""The rows of API keys: minting, finding, fencing, revoking, and counting submits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from puras.server.billing import store as billing
from puras.server.budgets import store as budgets
from puras.server.caller import Caller
from puras.server.clock import SECOND, Micros, iso, iso_or_none, new_id
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.keys.fences import UNFENCED, AllowedSkill, Fences
from puras.server.keys.tokens import Token
from puras.server.refusals import Refused
from puras.wire import MICROS_PER_USD, Key

QUERIES = load(__file__)
Origin: TypeAlias = Literal["minted", "first", "bootstrap", "required"]
_NEWEST = "~"
"""Sorts behind every id."""
_MINUTE = 60 * SECOND
_CHANGEABLE = (
    "name",
    "all_skills",
    "daily_cap_micros",
    "rate_per_minute",
    "concurrency",
    "allowed_origins",
    "expires_at",
)


class TokenTaken(Exception):
    """The key's prefix belongs to another key: the operator must choose another one."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What is needed to tell whether a key is good, and who comes with it."""

    caller: Caller
    secret_hash: bytes
    revoked_at: Micros | None

    def is_alive(self, now: Micros) -> bool:
        expires_at = self.caller.expires_at
        return self.revoked_at is None and (expires_at is None or now < expires_at)


async def find_caller(tx: Transaction, prefix: str) -> Credential | None:
    """Return the key of a prefix, be it good or not; None when there is none."""
    rows = await tx.all(QUERIES.find_caller, prefix=prefix)
    if not rows:
        return None
    return Credential(_caller(rows), bytes(rows[0]["secret_hash"]), rows[0]["revoked_at"])


async def is_alive(tx: Transaction, *, key_id: str, now: Micros) -> bool:
    """Tell whether a key that was good is so still: for answers that last."""
    return await tx.one(QUERIES.alive, key_id=key_id, now=now) is not None


async def mint(
    tx: Transaction,
    token: Token,
    *,
    workspace_id: str,
    name: str,
    now: Micros,
    fences: Fences = UNFENCED,
    origin: Origin = "minted",
    key_id: str | None = None,
) -> str:
    """Keep a new key and return its id."""
    id = key_id or new_id()
    await tx.run(
        QUERIES.insert,
        id=id,
        workspace_id=workspace_id,
        kind=token.kind,
        prefix=token.prefix,
        secret_hash=token.secret_hash,
        origin=origin,
        now=now,
        name=name,
        **_columns(fences),
    )
    await _allow(tx, fences.skills or (), key_id=id)
    return id


async def install(
    tx: Transaction, token: Token, *, workspace_id: str, origin: Origin, name: str, now: Micros
) -> str:
    """Make an operator's own key the one key of its origin, and revoke the one before it.

    Doing it again changes nothing. Raises TokenTaken where another key has its prefix.
    """
    await tx.run(QUERIES.revoke_others, origin=origin, prefix=token.prefix, now=now)
    row = await tx.one(
        QUERIES.install,
        id=new_id(),
        workspace_id=workspace_id,
        name=name,
        kind=token.kind,
        prefix=token.prefix,
        secret_hash=token.secret_hash,
        origin=origin,
        now=now,
    )
    if row is None:
        raise TokenTaken(f"another key has the prefix {token.prefix}: choose another key")
    return str(row["id"])


async def revoke_origin(tx: Transaction, origin: Origin, *, now: Micros) -> None:
    """Revoke the key of an origin: its setting was taken away."""
    await tx.run(QUERIES.revoke_others, origin=origin, prefix="", now=now)


async def page(
    tx: Transaction, *, workspace_id: str, limit: int, before: str | None, now: Micros
) -> list[Key]:
    """Return a workspace's keys, newest first, revoked ones too."""
    rows = await tx.all(
        QUERIES.page, workspace_id=workspace_id, limit=limit, before=before or _NEWEST
    )
    return [await _shown(tx, row, now=now) for row in rows]


async def get(tx: Transaction, *, workspace_id: str, key_id: str, now: Micros) -> Key:
    """Return one key of a workspace. Raises Refused (`key_not_found`)."""
    return await _shown(tx, await _row(tx, workspace_id=workspace_id, key_id=key_id), now=now)


async def change(
    tx: Transaction, *, workspace_id: str, key_id: str, changes: Mapping[str, Any]
) -> None:
    """Set a key's name and fences by the names of `Fences`; what is not named stays.

    Raises Refused (`key_not_found`).
    """
    row = await tx.one(QUERIES.get_to_change, workspace_id=workspace_id, key_id=key_id.lower())
    if row is None:
        raise _not_found()
    if "daily_cap_micros" in changes:
        await budgets.stop_spending(tx, workspace_id=workspace_id)
    columns = {name: row[name] for name in _CHANGEABLE}
    columns |= {name: value for name, value in changes.items() if name in _CHANGEABLE}
    if "allowed_origins" in changes:
        columns["allowed_origins"] = _listed(changes["allowed_origins"])
    if "skills" in changes:
        columns["all_skills"] = int(changes["skills"] is None)
        await tx.run(QUERIES.delete_skills, key_id=row["id"])
        await _allow(tx, changes["skills"] or (), key_id=row["id"])
    await tx.run(QUERIES.change, key_id=row["id"], **columns)


async def revoke(tx: Transaction, *, workspace_id: str, key_id: str, now: Micros) -> None:
    """Revoke a key for good, once. Raises Refused (`key_not_found`)."""
    if not await tx.run(QUERIES.revoke, workspace_id=workspace_id, key_id=key_id, now=now):
        raise _not_found()


async def touch(tx: Transaction, *, key_id: str, now: Micros) -> None:
    await tx.run(QUERIES.touch, key_id=key_id, now=now)


async def count_submit(tx: Transaction, *, key_id: str, rate: int, now: Micros) -> None:
    """Count one submit of this minute. Raises Refused (`rate_limited`) over the key's rate."""
    minute = now // _MINUTE
    row = await tx.one(QUERIES.count_submit, key_id=key_id, minute=minute, rate=rate)
    if row is None:
        raise Refused(
            "rate_limited",
            f"this API key may submit {rate} times a minute: try again in the next one",
            retry_after=(_MINUTE - now % _MINUTE + SECOND - 1) // SECOND,
        )
    if row["count"] == 1:
        await tx.run(QUERIES.prune_submits, key_id=key_id, minute=minute)


async def _row(tx: Transaction, *, workspace_id: str, key_id: str) -> Row:
    row = await tx.one(QUERIES.get, workspace_id=workspace_id, key_id=key_id.lower())
    if row is None:
        raise _not_found()
    return row


async def _allow(tx: Transaction, skills: Sequence[AllowedSkill], *, key_id: str) -> None:
    rows = [
        {
            "key_id": key_id,
            "skillpack_id": skill.skillpack_id,
            "skill_name": skill.name,
            "path": skill.path,
        }
        for skill in skills
    ]
    await tx.run_many(QUERIES.insert_skill, rows)


async def _shown(tx: Transaction, row: Row, *, now: Micros) -> Key:
    allowed = await tx.all(QUERIES.skill_paths, key_id=row["id"])
    cap, origins = row["daily_cap_micros"], row["allowed_origins"]
    return {
        "id": row["id"],
        "name": row["name"],
        "kind": row["kind"],
        "prefix": row["prefix"],
        "skills": "all" if row["all_skills"] else [skill["path"] for skill in allowed],
        "daily_cap_usd": None if cap is None else cap / MICROS_PER_USD,
        "spent_today_micros": await billing.spent_today(tx, key_id=row["id"], now=now),
        "rate_per_minute": row["rate_per_minute"],
        "concurrency": row["concurrency"],
        "allowed_origins": None if origins is None else json.loads(origins),
        "expires_at": iso_or_none(row["expires_at"]),
        "revoked_at": iso_or_none(row["revoked_at"]),
        "last_used_at": iso_or_none(row["last_used_at"]),
        "created_at": iso(row["created_at"]),
    }


def _caller(rows: Sequence[Row]) -> Caller:
    row = rows[0]
    origins = row["allowed_origins"]
    pairs = ((row["skillpack_id"], row["skill_name"]) for row in rows if row["skillpack_id"])
    return Caller(
        key_id=row["id"],
        workspace_id=row["workspace_id"],
        workspace=row["workspace"],
        prefix=row["prefix"],
        kind=row["kind"],
        skills=None if row["all_skills"] else frozenset(pairs),
        daily_cap_micros=row["daily_cap_micros"],
        rate_per_minute=row["rate_per_minute"],
        concurrency=row["concurrency"],
        allowed_origins=None if origins is None else frozenset(json.loads(origins)),
        expires_at=row["expires_at"],
    )


def _columns(fences: Fences) -> dict[str, object]:
    return {
        "all_skills": int(fences.skills is None),
        "daily_cap_micros": fences.daily_cap_micros,
        "rate_per_minute": fences.rate_per_minute,
        "concurrency": fences.concurrency,
        "allowed_origins": _listed(fences.allowed_origins),
        "expires_at": fences.expires_at,
    }


def _listed(origins: Sequence[str] | None) -> str | None:
    return None if origins is None else json.dumps(origins)


def _not_found() -> Refused:
    return Refused("key_not_found", "there is no such API key in this workspace: list the keys")
