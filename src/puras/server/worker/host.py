"""What a running skill reaches: its job's log, the drive within its reach, children, memory.

One host serves one attempt. It shapes what the skill says into events (cut to their limits, with
the public view beside the full one) and answers the calls of the in-skill helpers.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from puras.server.clock import Clock
from puras.server.db.database import Row
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventWriter
from puras.server.refusals import Refused
from puras.wire import MAX_EVENT_PAYLOAD_BYTES, MAX_LOG_EVENTS, MAX_LOG_LINE_BYTES

Verb: TypeAlias = Callable[[dict[str, Any], Path], Awaitable[Any]]
HIDDEN = {"message": "hidden", "redacted": True}


@dataclass(slots=True)
class JobHost:
    """The host of one attempt; `verbs` are the calls it answers beside events."""

    row: Row
    writer: EventWriter
    clock: Clock
    verbs: Mapping[str, Verb]
    logs: int = 0

    def __post_init__(self) -> None:
        self.logs = self.row["log_events"]

    def emit(
        self, type: str, payload: dict[str, Any], *, public: dict[str, Any] | None = None
    ) -> None:
        """Add an event to the log; logs beyond the job's allowance are dropped, and that said."""
        if type == "log":
            self.logs += 1
            if self.logs > MAX_LOG_EVENTS:
                return
            if self.logs == MAX_LOG_EVENTS:
                payload = {
                    "level": "warning",
                    "message": f"further log lines are dropped: a job keeps {MAX_LOG_EVENTS}",
                }
                public = None
            else:
                payload = {**payload, "message": cut_line(str(payload.get("message", "")))}
                if payload.get("level") == "error" and public is None:
                    public = {"level": "error", **HIDDEN}
        self.writer.add(
            (self.row["id"], self.row["attempt"]),
            NewEvent(
                self.clock(),
                type,
                encode_payload(payload),
                None if public is None else encode_payload(public),
            ),
        )

    async def call(self, verb: str, arguments: dict[str, Any], run_folder: Path) -> Any:
        """Answer one call; raises Refused with a sentence for the skill."""
        if (answer := self.verbs.get(verb)) is None:
            raise Refused("not_found", f"this server knows no call `{verb}`; upgrade it")
        return await answer(arguments, run_folder)


def cut_line(message: str) -> str:
    """Cut a log line to its limit, and say so at its end."""
    message = message.encode("utf-8", "replace").decode("utf-8")
    encoded = message.encode()
    if len(encoded) <= MAX_LOG_LINE_BYTES:
        return message
    note = f" … [cut: {len(encoded)} bytes]"
    kept = encoded[: MAX_LOG_LINE_BYTES - len(note.encode())]
    return kept.decode("utf-8", "ignore") + note


def encode_payload(payload: dict[str, Any]) -> str:
    """Return the payload as JSON text; one over the limit keeps what is small and says so."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode("utf-8", "replace"))
    if size <= MAX_EVENT_PAYLOAD_BYTES:
        return text.encode("utf-8", "replace").decode("utf-8")
    small = {
        name: value
        for name, value in payload.items()
        if len(json.dumps(value)) <= MAX_EVENT_PAYLOAD_BYTES // 64
    }
    return json.dumps({**small, "cut": True, "size_bytes": size}, separators=(",", ":"))
