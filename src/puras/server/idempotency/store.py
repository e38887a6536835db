"""Which request with an `Idempotency-Key` made which resource: the id is kept, never the answer.

The row is written in the transaction of the effect, so a refusal keeps nothing and a second
request waits for that commit or finds it. All functions take `ticket=None` (no key was sent) and
then do nothing, so that callers need no second path.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from puras.server.clock import SECOND, Micros
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.server.refusals import Refused

QUERIES = load(__file__)
HOLD: Micros = 15 * SECOND


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that may be repeated: its scope, and the fingerprint of what it asks for.

    `holder` tells it from its repeats, which have the same scope.
    """

    key_id: str
    method: str
    path: str
    idempotency_key: str
    fingerprint: str
    holder: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)

    @property
    def scope(self) -> dict[str, str]:
        return {
            "key_id": self.key_id,
            "method": self.method,
            "path": self.path,
            "idempotency_key": self.idempotency_key,
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """What the first request answered with: its status, and the id of what it made."""

    status: int
    resource_id: str


async def find(tx: Transaction, ticket: Ticket | None) -> Kept | None:
    """Return what an earlier request made; None when this is the first.

    Raises:
        Refused: `idempotency_mismatch` for another request, `idempotency_in_progress` for one
            that has not made anything yet.
    """
    row = await tx.one(QUERIES.find, **ticket.scope) if ticket else None
    return _kept(row, ticket) if row and ticket else None


async def remember(
    tx: Transaction, ticket: Ticket | None, *, status: int, resource_id: str, now: Micros
) -> Kept | None:
    """Keep what this request makes, before making it, in the same transaction.

    Returns None when the request is the first: go on. Else what an earlier one made, and then
    nothing may be done again. Raises as `find` does.
    """
    if ticket is None:
        return None
    inserted = await tx.run(
        QUERIES.remember,
        **ticket.scope,
        fingerprint=ticket.fingerprint,
        status=status,
        resource_id=resource_id,
        now=now,
    )
    return None if inserted else await find(tx, ticket)


async def begin(tx: Transaction, ticket: Ticket, *, now: Micros) -> Kept | None:
    """Mark a request that works outside of any transaction (an upload, a deployment) as begun.

    Returns as `remember` does. The work ends with `finish` or with `abandon`; until then a
    repeat is refused with `idempotency_in_progress`, unless `HOLD` has passed since this or the
    last `hold`: then whoever had begun is gone, and the repeat takes its place.
    """
    begun = await tx.run(
        QUERIES.begin,
        **ticket.scope,
        fingerprint=ticket.fingerprint,
        holder=ticket.holder,
        hold=HOLD,
        now=now,
    )
    return None if begun else await find(tx, ticket)


async def hold(tx: Transaction, ticket: Ticket, *, now: Micros) -> bool:
    """Say that a begun request is still at work; False when it is not, or no longer this one."""
    renewed = await tx.run(QUERIES.hold, **ticket.scope, holder=ticket.holder, hold=HOLD, now=now)
    return renewed == 1


async def finish(tx: Transaction, ticket: Ticket | None, *, status: int, resource_id: str) -> None:
    """Keep what a begun request made, in the transaction that makes it.

    Raises:
        Refused: `idempotency_in_progress` when a repeat has taken its place meanwhile, so that
            what both make is made once.
    """
    if ticket is None:
        return
    kept = await tx.run(
        QUERIES.finish,
        **ticket.scope,
        holder=ticket.holder,
        status=status,
        resource_id=resource_id,
    )
    if not kept:
        raise _in_progress("a repeat of this request has taken its place")


async def abandon(tx: Transaction, ticket: Ticket) -> None:
    """Forget a begun request that was refused or failed; a finished one stays."""
    await tx.run(QUERIES.abandon, **ticket.scope, holder=ticket.holder)


async def abandon_all(tx: Transaction) -> int:
    """Forget what a server that is gone had begun. Only at the start of the only server."""
    return await tx.run(QUERIES.abandon_all)


async def prune(tx: Transaction, *, before: Micros) -> int:
    """Forget requests older than a moment (at least 24 hours ago) and return how many."""
    return await tx.run(QUERIES.prune, before=before)


def _kept(row: Row, ticket: Ticket) -> Kept:
    if row["fingerprint"] != ticket.fingerprint:
        raise Refused(
            "idempotency_mismatch",
            "this Idempotency-Key was already used for another request: send a fresh one",
        )
    if row["resource_id"] is None:
        raise _in_progress("the first request with this Idempotency-Key is still at work")
    return Kept(row["status"], row["resource_id"])


def _in_progress(why: str) -> Refused:
    return Refused("idempotency_in_progress", f"{why}: repeat it in a moment", retry_after=1)
