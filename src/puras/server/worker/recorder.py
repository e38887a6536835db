"""Paid and effectful calls of one attempt, kept so that no later attempt makes them again.

    recall ──done──▶ its value
       │
       ├─never─▶ intend (hold the upper bound) ─▶ do ─▶ done (settle, with its events)
       │
       └─intended─▶ do again with what was noted: the same idempotency key, the same hold

Intended and done are each one transaction with the money and the events that belong to it, so a
crash between any two lines leaves a call that is either whole or known to be open. A call that
fails by itself is forgotten: its hold is released, and the next attempt may try it again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from puras.server.billing import holds
from puras.server.billing.holds import ANYTHING, PaidFor
from puras.server.clock import Clock
from puras.server.db.database import Database, Row, Transaction
from puras.server.events import store as events
from puras.server.events.hub import Hub
from puras.server.events.store import NewEvent, StoredEvent
from puras.server.events.writer import EventWriter
from puras.server.jobs import calls
from puras.server.jobs import store as jobs
from puras.server.jobs.calls import CallKey
from puras.server.refusals import Refused


@dataclass(frozen=True, slots=True)
class Done:
    """What a call gave: a JSON value that is kept, its real cost, and the events that tell of
    it."""

    value: Any
    cost_micros: int = 0
    events: Sequence[NewEvent] = ()
    tokens: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Doing:
    """A call that is being made.

    idempotency_key  the same in every attempt at the job, for providers that keep one
    again            an earlier attempt began this call, and its outcome is not known
    note             what that attempt noted of it, such as a provider's id to ask by
    held_micros      what was set aside for it
    """

    idempotency_key: str
    again: bool
    note: Any
    held_micros: int
    _keep: Callable[[Any], Awaitable[None]] = field(repr=False)

    async def remember(self, note: Any) -> None:
        """Keep something to find the call again by, before its answer is there."""
        self.note = note
        await self._keep(note)


@dataclass(frozen=True, slots=True)
class _Bound:
    """The most that a call may cost, and what it is lowered to at the least."""

    micros: int
    least: int | None
    paid_for: PaidFor


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes the recorded calls of one attempt. `run_limit_micros` bounds the whole tree of runs."""

    db: Database
    hub: Hub
    writer: EventWriter
    clock: Clock
    row: Row
    run_limit_micros: int | None = None

    async def recall(self, call: CallKey) -> tuple[str, Any] | None:
        """Return (`intended` or `done`, what was kept), or None for a call never begun."""
        known = await self.db.read(lambda tx: calls.recall(tx, job_id=self.row["id"], call=call))
        if known is not None and known[0] == "done":
            return "done", known[1]["value"]
        return known

    async def perform(
        self,
        call: CallKey,
        do: Callable[[Doing], Awaitable[Done]],
        *,
        bound_micros: int = 0,
        least_micros: int | None = None,
        paid_for: PaidFor = ANYTHING,
        events: Sequence[NewEvent] = (),
    ) -> Any:
        """Make a call once, whatever happens, and return its value.

        `bound_micros` is held first; where `least_micros` is given, a wallet that does not cover
        the bound is held to what is left, but no less than that. `paid_for` says what it goes to.
        `events` are written when the call is begun, once.

        Raises:
            Refused: `cost_limit`; or `job_not_found`, this attempt is over.
        """
        known = await self.db.read(lambda tx: calls.recall(tx, job_id=self.row["id"], call=call))
        if known is not None and known[0] == "done":
            return known[1]["value"]
        if known is None:
            bound = _Bound(bound_micros, least_micros, paid_for)
            kept = await self._intend(call, bound, events)
        else:
            kept = known[1]
        doing = Doing(
            idempotency_key=self.idempotency_key(call),
            again=known is not None,
            note=kept["note"],
            held_micros=kept["held_micros"],
            _keep=lambda note: self._note(call, kept, note),
        )
        try:
            done = await do(doing)
        except asyncio.CancelledError:
            raise  # stopped from outside: the call stays open, and the next attempt takes it up
        except BaseException:
            await self._forget(call, kept)
            raise
        await self._finish(call, kept, done)
        return done.value

    async def count(self, verb: str) -> int:
        """Return how many calls of a verb are done."""
        return await self.db.read(lambda tx: calls.count_done(tx, job_id=self.row["id"], verb=verb))

    def idempotency_key(self, call: CallKey) -> str:
        """Return the key that a call has with its provider: the same in every attempt."""
        text = f"{self.row['id']}\0{call.verb}\0{call.arguments}\0{call.occurrence}"
        return f"puras-{hashlib.sha256(text.encode()).hexdigest()[:40]}"

    async def _intend(
        self, call: CallKey, bound: _Bound, told: Sequence[NewEvent]
    ) -> dict[str, Any]:
        async def effect(tx: Transaction) -> tuple[dict[str, Any], list[StoredEvent]]:
            await self._fence(tx)
            hold_id, held = await self._hold(tx, bound)
            kept = {"hold_id": hold_id, "held_micros": held, "note": None}
            await self._record(tx, call, "intended", kept)
            return kept, await self._tell(tx, told)

        kept: dict[str, Any]
        kept, stored = await self._write(effect, told)
        self.hub.publish(stored)
        return kept

    async def _hold(self, tx: Transaction, bound: _Bound) -> tuple[str | None, int]:
        if bound.micros <= 0:
            return None, 0
        held = await holds.hold(
            tx,
            job_id=self.row["id"],
            micros=bound.micros,
            least_micros=bound.least,
            now=self.clock(),
            run_limit_micros=self.run_limit_micros,
            paid_for=bound.paid_for,
        )
        return held.id, held.micros

    async def _finish(self, call: CallKey, kept: dict[str, Any], done: Done) -> None:
        async def effect(tx: Transaction) -> list[StoredEvent]:
            await self._fence(tx)
            await self._settle(tx, kept, done.cost_micros)
            if any(done.tokens):
                await calls.count_tokens(
                    tx, job_id=self.row["id"], input=done.tokens[0], output=done.tokens[1]
                )
            await self._record(tx, call, "done", {"value": done.value})
            return await self._tell(tx, done.events)

        self.hub.publish(await self._write(effect, done.events))

    async def _forget(self, call: CallKey, kept: dict[str, Any]) -> None:
        async def effect(tx: Transaction) -> None:
            await self._fence(tx)
            await self._settle(tx, kept, 0)
            await calls.forget(tx, job_id=self.row["id"], call=call)

        try:
            await self.db.write(effect)
        except Refused:
            return  # the attempt is over; its holds went with it

    async def _note(self, call: CallKey, kept: dict[str, Any], note: Any) -> None:
        kept["note"] = note
        await self.db.write(lambda tx: self._record(tx, call, "intended", kept))

    async def _settle(self, tx: Transaction, kept: dict[str, Any], cost: int) -> None:
        if kept["hold_id"] is not None:
            await holds.settle(tx, hold_id=kept["hold_id"], cost_micros=cost, now=self.clock())

    async def _record(self, tx: Transaction, call: CallKey, state: str, value: Any) -> None:
        row = self.row
        if not await calls.record(
            tx, job_id=row["id"], attempt=row["attempt"], call=call, state=state, value=value
        ):
            raise Refused("job_not_found", "this attempt is over")

    async def _tell(self, tx: Transaction, told: Sequence[NewEvent]) -> list[StoredEvent]:
        if not told:
            return []
        row = self.row
        return await events.append(tx, job_id=row["id"], attempt=row["attempt"], events=told)

    async def _write(self, effect: Callable[[Transaction], Awaitable[Any]], told: object) -> Any:
        if told:
            await self.writer.drain((self.row["id"], self.row["attempt"]))  # what was said before
        return await self.db.write(effect)

    async def _fence(self, tx: Transaction) -> None:
        row = self.row
        if not await jobs.takes_turn(tx, job_id=row["id"], attempt=row["attempt"]):
            raise Refused("job_not_found", "this attempt is over")
