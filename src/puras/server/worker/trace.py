"""The spans of one attempt: its run, the function in it, and what that says it does.

A step, or a call of a child, is written when it is over, so that a long run can be watched; run and
function are written in the transaction that ends the attempt. What is still open then was cut off,
and says so. An attempt keeps a bounded number of spans; further ones are not kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from puras.server.clock import Clock
from puras.server.db.database import Database, Row
from puras.server.refusals import Refused
from puras.server.spans import store
from puras.server.spans.store import Span, call_span_id
from puras.server.tracing.export import send_span
from puras.server.worker.process.masking import NOTHING, Masker
from puras.wire import MAX_SPANS, SpanKind

_MOST_NAME = 200


class Trace:
    """`pending` are the spans that are to be written with the attempt's end."""

    def __init__(self, db: Database, clock: Clock, row: Row, *, most: int = MAX_SPANS) -> None:
        self.masker: Masker = NOTHING
        self.pending: list[Span] = []
        self._db = db
        self._clock = clock
        self._row = row
        self._job_id: str = row["id"]
        self._open: dict[str, Span] = {}
        self._left = most
        above = row["parent_job_id"] and call_span_id(row["id"])
        self.run = self.begin("run", f"{row['skillpack']}/{row['skill_name']}", parent=above)
        self.run.attributes["attempt"] = row["attempt"]
        self.inside = self.run.span_id

    def begin(
        self, kind: SpanKind, name: str, *, parent: str | None = None, span_id: str | None = None
    ) -> Span:
        """Open a span, below `parent`."""
        self._left -= 1
        shown = self.masker.text(name)[:_MOST_NAME]
        span_id = span_id or secrets.token_hex(8)
        span = Span(self._job_id, span_id, parent, kind, shown, self._clock())
        if self._left >= 0:
            self._open[span_id] = span
        return span

    async def end(self, span: Span, **attributes: Any) -> None:
        """Close a span and write it."""
        if self._close(span, **attributes):
            await self._db.write(lambda tx: store.put(tx, [span]))

    @contextmanager
    def function(self, name: str) -> Iterator[Span]:
        """The time in which the skill's function runs: what it opens hangs below it."""
        span = self.begin("function", name, parent=self.run.span_id)
        self.inside = span.span_id
        try:
            yield span
        finally:
            self.inside = self.run.span_id
            if self._close(span):
                self.pending.append(span)

    def finish(self, **attributes: Any) -> None:
        """Close the run, and as cut off what is still open in it; all of it is to be written."""
        if self._close(self.run, **attributes):
            self.pending.append(self.run)
        for span in list(self._open.values()):
            self._close(span, cut_off=True)
            self.pending.append(span)

    async def open_step(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`span.open {name, parent}` → `{span}`: a step of the skill begins."""
        name, parent = arguments.get("name"), arguments.get("parent")
        if not isinstance(name, str) or not name:
            raise Refused("invalid_request", "a step has a name")
        return {"span": self.begin("step", name, parent=self.below(parent)).span_id}

    async def close_step(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """`span.close {span, failed}` → `{}`."""
        span = self._open.get(str(arguments.get("span")))
        if span is not None and span.kind == "step":
            await self.end(span, **({"failed": True} if arguments.get("failed") is True else {}))
        return {}

    def below(self, parent: Any) -> str:
        """Return the span that a call names as the one around it, else the function's."""
        return parent if isinstance(parent, str) and parent in self._open else self.inside

    def _close(self, span: Span, **attributes: Any) -> bool:
        """Give a span its end; False for one that is not kept, or is closed already."""
        if self._open.pop(span.span_id, None) is None:
            return False
        span.duration_micros = max(0, self._clock() - span.started_at)
        span.attributes |= self.masker.value(attributes)
        send_span(span, self._row)
        return True
