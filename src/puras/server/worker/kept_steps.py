"""What `puras.step(name, fn)` keeps from one attempt to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puras.server.db.database import Database, Row
from puras.server.jobs import calls
from puras.server.refusals import Refused


@dataclass(frozen=True, slots=True)
class KeptSteps:
    """Answers `recorded.get` and `recorded.put`.

    Kept apart from the calls that the worker records: a skill must not forge what a child gave it.
    """

    db: Database
    row: Row

    async def get(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`recorded.get {verb, arguments, occurrence}` → `{found, value}`."""
        known = await self.db.read(
            lambda tx: calls.recall(tx, job_id=self.row["id"], call=_call(arguments))
        )
        if known is None or known[0] != "done":
            return {"found": False, "value": None}
        return {"found": True, "value": known[1]}

    async def put(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`recorded.put {verb, arguments, occurrence, value}` → `{}`."""
        await self.db.write(
            lambda tx: calls.record(
                tx,
                job_id=self.row["id"],
                attempt=self.row["attempt"],
                call=_call(arguments),
                state="done",
                value=arguments.get("value"),
            )
        )
        return {}


def _call(arguments: dict[str, Any]) -> calls.CallKey:
    verb, digest, occurrence = (arguments.get(k) for k in ("verb", "arguments", "occurrence"))
    if verb != "step" or not isinstance(digest, str) or type(occurrence) is not int:
        raise Refused("invalid_request", "only steps are kept: call `puras.step(name, fn)`")
    return calls.CallKey(verb, digest, occurrence)
