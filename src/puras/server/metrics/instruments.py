"""What is counted and measured, for Prometheus: of one process, since its start.

No label tells of a tenant: none is a workspace, a key, a skill or a job. Counts are taken where
things happen, and money beside its transaction, so a unit of work that the database undid may count
twice; what is owed stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_WAITS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)


def _counter(name: str, help: str, *labels: str) -> Counter:
    return Counter(name, help, labels, registry=REGISTRY)


def _gauge(name: str, help: str, *labels: str) -> Gauge:
    return Gauge(name, help, labels, registry=REGISTRY)


def _histogram(name: str, help: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, help, labels, registry=REGISTRY, buckets=buckets)


REQUESTS: Final = _counter("puras_http_requests", "Answered requests.", "method", "route", "status")
REQUEST_SECONDS: Final = _histogram(
    "puras_http_request_seconds",
    "Time to the end of an answer, waiting included; streams are not in it.",
    "method",
    "route",
    buckets=_SECONDS,
)
OPEN_STREAMS: Final = _gauge("puras_open_streams", "Event streams that are open here.")

QUEUED: Final = _gauge("puras_queue_jobs", "Jobs that wait for a place, in all.", "kind")
OLDEST_WAIT: Final = _gauge(
    "puras_queue_oldest_seconds", "How long the oldest of them waits.", "kind"
)
RUNNING: Final = _gauge("puras_running_jobs", "Attempts that run in this process.")
CLAIMS: Final = _counter("puras_claims", "Attempts begun here.", "kind")
WAITS: Final = _histogram(
    "puras_job_wait_seconds", "From submit to the first start.", "kind", buckets=_WAITS
)
ENDS: Final = _counter("puras_jobs_ended", "Jobs that were brought to their end here.", "status")
LOST: Final = _counter("puras_attempts_lost", "Attempts that this process found lost.")
RENEWALS: Final = _counter("puras_lease_renewals", "Renewals of all leases here.", "outcome")

EVENT_COMMITS: Final = _counter("puras_event_commits", "Groups of events that were written.")
EVENT_GROUP: Final = _histogram(
    "puras_event_group_size",
    "Events in a group.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)

HELD: Final = _counter("puras_held_micros", "Money that was held, in micros.", "kind")
SETTLED: Final = _counter("puras_settled_micros", "Real cost of what was held, in micros.")
MODEL_CALLS: Final = _counter("puras_model_calls", "Turns that models answered.", "model")
MODEL_TOKENS: Final = _counter("puras_model_tokens", "Tokens of those.", "model", "direction")

DATABASE: Final = _gauge("puras_database", "Connections, and who waits for one.", "what")

for _kind in ("function", "agentic"):
    QUEUED.labels(_kind).set(0)
    OLDEST_WAIT.labels(_kind).set(0)
for _status in ("succeeded", "failed", "cancelled"):
    ENDS.labels(_status)


def request_answered(method: str, route: str | None, *, status: int, seconds: float | None) -> None:
    """Count an answer; `route` None: no path of ours. `seconds` None: it was a stream."""
    labels = (method, route) if route is not None else ("other", "other")
    REQUESTS.labels(*labels, str(status)).inc()
    if seconds is not None:
        REQUEST_SECONDS.labels(*labels).observe(seconds)


def running_is(count: Callable[[], int]) -> None:
    """Have the number of attempts that run here read when it is asked for."""
    RUNNING.set_function(count)


def text() -> bytes:
    """Return all of it in Prometheus' text format."""
    return generate_latest(REGISTRY)
