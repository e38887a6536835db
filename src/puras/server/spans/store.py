"""Where a job's time went: one row a span, written when it is over, or with its attempt's end.

Ids are those of W3C trace contexts. A root job and all below it share a trace; the run of a child
hangs below the call that started it, whose span id follows from the child's id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from puras import wire
from puras.server.clock import Micros, iso
from puras.server.db.database import Row, Transaction
from puras.server.db.queries import load
from puras.wire import SpanKind

QUERIES = load(__file__)


@dataclass(slots=True)
class Span:
    """A piece of time; `duration_micros` is None until it is over."""

    job_id: str
    span_id: str
    parent_span_id: str | None
    kind: SpanKind
    name: str
    started_at: Micros
    duration_micros: Micros | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def call_span_id(child_id: str) -> str:
    """Return the id of the span, in its parent's job, of the call that started a child."""
    return hashlib.sha256(f"call:{child_id}".encode()).hexdigest()[:16]


async def put(tx: Transaction, spans: Sequence[Span]) -> None:
    """Write spans; one that is there already gets its end. A job that is gone is no error."""
    rows = [
        {
            "job_id": span.job_id,
            "span_id": span.span_id,
            "parent_span_id": span.parent_span_id,
            "kind": span.kind,
            "name": span.name,
            "started_at": span.started_at,
            "duration_micros": span.duration_micros,
            "attributes": json.dumps(span.attributes, ensure_ascii=False),
        }
        for span in spans
    ]
    await tx.run_many(QUERIES.put, rows)


async def of_job(tx: Transaction, job_id: str) -> list[wire.Span]:
    """Return a job's spans, in the order of their beginning."""
    return [_on_wire(row) for row in await tx.all(QUERIES.of_job, job_id=job_id)]


def _on_wire(row: Row) -> wire.Span:
    micros = row["duration_micros"]
    return {
        "trace_id": row["root_job_id"].replace("-", ""),
        "span_id": row["span_id"],
        "parent_span_id": row["parent_span_id"],
        "kind": row["kind"],
        "name": row["name"],
        "started_at": iso(row["started_at"]),
        "duration_ms": None if micros is None else micros / 1000,
        "attributes": json.loads(row["attributes"]),
    }
