"""Sends spans to an OpenTelemetry collector, where the operator names one.

`OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) turns it on, with the extra `otel`; the other
variables of OpenTelemetry's exporter hold too. Its library is loaded then and not before. Spans are
sent in the background: a collector that is away costs spans, never a run.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from puras.server.clock import Micros
from puras.server.db.database import Row
from puras.server.spans.store import Span
from puras.server.traceparent import Parent, read
from puras.server.tracing.shape import Shape, shape

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import SpanContext

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_log = structlog.get_logger(__name__)


class Exporter:
    """Turns what happened into spans of OpenTelemetry, and has a processor send them."""

    def __init__(self, processor: SpanProcessor, resource: Resource) -> None:
        self._processor = processor
        self._resource = resource

    def send(
        self,
        own: Parent,
        above: str | None,
        shape: Shape,
        *,
        started_at: Micros,
        ended_at: Micros,
        server: bool = False,
    ) -> None:
        """Send one span that is over; `above` is the span that it hangs below."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import SpanKind, Status, StatusCode

        kind = SpanKind.CLIENT if shape.client else SpanKind.INTERNAL
        failed = shape.error is not None
        self._processor.on_end(
            ReadableSpan(
                name=shape.name,
                context=_context(own),
                parent=None if above is None else _context(Parent(own.trace_id, above)),
                resource=self._resource,
                attributes=shape.attributes,
                kind=SpanKind.SERVER if server else kind,
                status=Status(StatusCode.ERROR if failed else StatusCode.UNSET, shape.error),
                start_time=started_at * 1000,
                end_time=ended_at * 1000,
                instrumentation_scope=InstrumentationScope("puras"),
            )
        )

    def close(self) -> None:
        """Send what is left, for some seconds at most."""
        self._processor.force_flush(5000)
        self._processor.shutdown()


class _Current:
    """The exporter of this process, where it has one."""

    exporter: Exporter | None = None


def is_on() -> bool:
    return _Current.exporter is not None


def send_span(span: Span, row: Row) -> None:
    """Send a span of a run. One of a job that no trace knows is in one of its root job's."""
    exporter = _Current.exporter
    if exporter is None or span.duration_micros is None:
        return
    trace = _trace_of(row)
    above = span.parent_span_id
    if span.kind == "run" and row["parent_job_id"] is None:
        above = _job_span_id(row["id"])
    own = Parent(trace.trace_id, span.span_id, trace.sampled)
    ended_at = span.started_at + span.duration_micros
    exporter.send(own, above, shape(span, row), started_at=span.started_at, ended_at=ended_at)
    if span.kind == "run" and row["parent_job_id"] is None:
        _send_job(exporter, span, row, ended_at=ended_at)


def send_request(
    own: Parent, above: Parent | None, shape: Shape, *, started_at: Micros, ended_at: Micros
) -> None:
    """Send the span of a request that was answered."""
    if _Current.exporter is not None:
        above_id = None if above is None else above.span_id
        _Current.exporter.send(
            own, above_id, shape, started_at=started_at, ended_at=ended_at, server=True
        )


def _send_job(exporter: Exporter, run: Span, row: Row, *, ended_at: Micros) -> None:
    """Send a root job's span, from submit to end, once its last attempt is over."""
    status = run.attributes.get("status")
    if status not in ("succeeded", "failed"):
        return
    kept = read(row["traceparent"] or "")
    described = Shape(
        f"job {run.name}",
        attributes={"puras.job.id": row["id"], "puras.status": status},
        error=str(run.attributes.get("error_code", status)) if status == "failed" else None,
    )
    exporter.send(
        Parent(_trace_of(row).trace_id, _job_span_id(row["id"]), _trace_of(row).sampled),
        None if kept is None else kept.span_id,
        described,
        started_at=row["created_at"],
        ended_at=ended_at,
    )


def _trace_of(row: Row) -> Parent:
    return read(row["traceparent"] or "") or Parent(row["root_job_id"].replace("-", ""), "0" * 16)


def _job_span_id(job_id: str) -> str:
    return hashlib.sha256(f"job:{job_id}".encode()).hexdigest()[:16]


@asynccontextmanager
async def exporting(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Send spans inside of the block, if the environment says where to."""
    _Current.exporter = exporter = _open(environment)
    try:
        yield
    finally:
        _Current.exporter = None
        if exporter is not None:
            await asyncio.to_thread(exporter.close)


def _open(environment: Mapping[str, str]) -> Exporter | None:
    if not any(environment.get(name) for name in _ENDPOINTS):
        return None
    if importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        _log.warning("traces_not_sent", hint='pip install "puras[otel]"')
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_VERSION, Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = {SERVICE_VERSION: importlib.metadata.version("puras")}
    if not environment.get("OTEL_SERVICE_NAME"):
        own["service.name"] = "puras"
    return Exporter(BatchSpanProcessor(OTLPSpanExporter()), Resource.create(own))


def _context(place: Parent) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(
        int(place.trace_id, 16),
        int(place.span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(int(place.sampled)),
    )
