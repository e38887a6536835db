"""What a running skill reaches: its job's log, the drive within its reach, children, memory.

One host serves one attempt. It shapes what the skill says into events (cut to their limits, with
the public view beside the full one, secrets hidden in both) and answers the calls of the in-skill
helpers. A skill that never stops talking fills neither the log nor the memory: logs and steps have
an allowance per job, progress is thinned out.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from puras.server.clock import Clock
from puras.server.db.database import Row, Unavailable
from puras.server.events.payloads import Payload, encode_payload
from puras.server.events.store import NewEvent
from puras.server.events.writer import EventWriter
from puras.server.refusals import Refused
from puras.server.storage.port import StorageUnavailable
from puras.server.worker.process.masking import NOTHING, Masker
from puras.server.worker.process.output import line_text
from puras.server.worker.progress import Progress
from puras.server.worker.spending import Spending
from puras.wire import MAX_LOG_EVENTS

Verb: TypeAlias = Callable[[dict[str, Any], Path], Awaitable[Any]]
HIDDEN = {"message": "hidden", "redacted": True}
MAX_STEP_EVENTS = MAX_LOG_EVENTS
_EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What this machine has run out of, which no run is to blame for."""
_ALLOWANCES = {"log": MAX_LOG_EVENTS, "step": MAX_STEP_EVENTS}
_NAMES = {"log": "log lines", "step": "steps"}


class JobHost:
    """The host of one attempt; `verbs` are the calls it answers beside events. While `is_draft`,
    every event says that an offline draft stands in for a model. `let_down_by` says why a call had
    no answer: a run that fails after that is not to blame."""

    def __init__(self, row: Row, writer: EventWriter, clock: Clock) -> None:
        self.row = row
        self.verbs: Mapping[str, Verb] = {}
        self.masker: Masker = NOTHING
        self.spending = Spending()
        self.is_draft = False
        self.let_down_by: str | None = None
        self._writer = writer
        self._clock = clock
        self._said = Counter({"log": row["log_events"], "step": row["steps"]})
        self._progress = Progress(lambda payload: self._add("progress", payload, None))

    def emit(self, type: str, payload: Payload, *, public: Payload | None = None) -> None:
        """Add an event to the log; what is beyond the job's allowance is dropped, and that said."""
        payload = self.masker.value(payload)
        public = None if public is None else self.masker.value(public)
        if type == "progress":
            self._progress.say(payload)
            return
        if not self.admits(type):
            return
        self._progress.flush()
        if type == "log":
            payload, public = _log_views(payload, public)
        self._add(type, payload, public)

    def admits(self, type: str) -> bool:
        """Count an event against the job's allowance; False for one that is to be dropped."""
        self._said[type] += 1
        allowance = _ALLOWANCES.get(type)
        if allowance is None or self._said[type] <= allowance:
            return True
        if self._said[type] == allowance + 1:
            self._say_what_is_dropped(type, allowance)
        return False

    async def written(self) -> None:
        """Return once all that was said so far is in the log. Raises EventsLost."""
        self._progress.flush()
        await self._writer.drain((self.row["id"], self.row["attempt"]))

    async def call(self, verb: str, arguments: dict[str, Any], run_folder: Path) -> Any:
        """Answer one call; raises Refused with a sentence for the skill."""
        if (answer := self.verbs.get(verb)) is None:
            raise Refused("not_found", f"this server knows no call `{verb}`; upgrade it")
        try:
            return await answer(arguments, run_folder)
        except Refused as refusal:
            self.spending.note(refusal)
            raise
        except (Unavailable, StorageUnavailable, OSError) as error:
            if not isinstance(error, OSError) or error.errno in _EXHAUSTED:
                self.let_down_by = str(error)
            raise

    def close(self) -> None:
        """Say what is still held back: the run is over."""
        self._progress.close()

    def _say_what_is_dropped(self, type: str, allowance: int) -> None:
        message = f"further {_NAMES[type]} are dropped: a job keeps {allowance:,}"
        self._add("log", {"level": "warning", "message": message}, None)

    def event(self, type: str, payload: Payload, *, public: Payload | None = None) -> NewEvent:
        """Return an event for a transaction that writes it with what it tells of."""
        payload = self.masker.value(payload)
        public = None if public is None else self.masker.value(public)
        return self._new(type, payload, public)

    def _add(self, type: str, payload: Payload, public: Payload | None) -> None:
        self._writer.add((self.row["id"], self.row["attempt"]), self._new(type, payload, public))

    def _new(self, type: str, payload: Payload, public: Payload | None) -> NewEvent:
        if self.is_draft:
            payload = {**payload, "draft": True}
            public = None if public is None else {**public, "draft": True}
        return NewEvent(
            self._clock(),
            type,
            encode_payload(payload),
            None if public is None else encode_payload(public),
        )


def _log_views(payload: Payload, public: Payload | None) -> tuple[Payload, Payload | None]:
    """Cut a line, and hide one of level `error` from publishable keys."""
    message = str(payload.get("message", "")).encode("utf-8", "surrogatepass")
    payload = {**payload, "message": line_text(message)}
    if payload.get("level") == "error" and public is None:
        public = {"level": "error", **HIDDEN}
    return payload, public
