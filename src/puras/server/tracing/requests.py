"""The span of a request: below the caller's, and above the job that it queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from puras.server.clock import now
from puras.server.traceparent import CURRENT, below, read
from puras.server.tracing.export import is_on, send_request
from puras.server.tracing.shape import Shape, Value


@contextmanager
def request_span(
    header: str, *, method: str, told: Callable[[], tuple[str | None, int]]
) -> Iterator[None]:
    """Have what the block queues belong to the caller's trace, and to the request's span if spans
    are sent; `told` gives route and status once it was answered. What is no route has no span."""
    above = read(header)
    own = below(above) if is_on() else above
    token, started_at = CURRENT.set(own), now()
    try:
        yield
    finally:
        CURRENT.reset(token)
        route, status = told()
        if own is not None and is_on() and route is not None:
            shape = _shape(method, route, status)
            send_request(own, above, shape, started_at=started_at, ended_at=now())


def _shape(method: str, route: str, status: int) -> Shape:
    attributes: dict[str, Value] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
    }
    error = str(status) if status >= 500 else None
    if error is not None:
        attributes["error.type"] = error
    return Shape(f"{method} {route}", attributes=attributes, error=error)
