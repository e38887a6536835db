"""What happens inside of a child, told in its parent's log too.

An entry of a child becomes one of its parent with `ctx {job_id, label, depth}` beside its payload:
whose it is. A `ctx` that is there already stays, so each names the innermost child. Progress and
status stay the child's own matter. Both views are kept; of a child that is another workspace's
skill, the parent's readers get the public view only, as they do of its own log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from puras.server.events.payloads import encode_payload
from puras.server.events.store import NewEvent, StoredEvent
from puras.server.worker.host import JobHost

TOLD: Final = frozenset(
    {
        "step",
        "model_response",
        "tool_call",
        "tool_result",
        "log",
        "subagent_start",
        "subagent_end",
        "approval_required",
        "approval_decided",
    }
)
"""The types that a parent's log repeats."""


@dataclass(frozen=True, slots=True)
class ChildLog:
    """How a child's entries are told: whose they are, and whether only their public view is."""

    ctx: dict[str, Any]
    public_only: bool

    def retold(self, event: StoredEvent, host: JobHost) -> NewEvent | None:
        """Return an entry for the parent's log; None for what is not told, or is over the parent's
        allowance."""
        if event.type not in TOLD or not (event.type != "log" or host.admits("log")):
            return None
        public = event.public_payload
        full = public if self.public_only and public is not None else event.payload
        shown = None if public is None or self.public_only else self._with_ctx(public, host)
        return NewEvent(event.ts, event.type, self._with_ctx(full, host), shown, counts=False)

    def _with_ctx(self, text: str, host: JobHost) -> str:
        payload = json.loads(text)
        return encode_payload(host.masker.value({"ctx": self.ctx, **payload}))
