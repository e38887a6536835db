"""The ASGI application over the endpoints of all domains: which checks come, and in which order.

Per request: key → origin → the key's power → size → JSON → shape → the handler. Paths are matched
as they came, percent-encoded, and their parameters decoded afterwards: so `a%2Fb` is one segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from puras.server import auth, bodies
from puras.server.caller import Caller
from puras.server.endpoint import Call, Endpoint, Reply, Routes
from puras.server.envelope import Envelope, json_response
from puras.server.pages.front import Pages
from puras.server.parameters import bad_parameter
from puras.server.platform import Platform

_SEGMENT_SAFE = "!$&'()*+,;=:@-._~"


class Http:
    """The API as an ASGI application, with pages where there are some. `close` it before the
    platform's database."""

    def __init__(
        self, platform: Platform, routes: Iterable[Routes], *, pages: Pages | None = None
    ) -> None:
        self._last_use = auth.LastUse(platform)
        endpoints = [endpoint for group in routes for endpoint in group.endpoints]
        served = [_Served(endpoint, platform, self._last_use) for endpoint in endpoints]
        router = Router(_route_all(served), redirect_slashes=False, default=_not_found)
        self._app = Envelope(router if pages is None else _Front(router, pages))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # "app" makes Starlette raise its 405 instead of answering it in plain text.
            scope = {**scope, "path": routed_path(scope), "root_path": "", "app": self}
        await self._app(scope, receive, send)

    async def close(self) -> None:
        await self._last_use.close()


class _Front:
    """Lets pages have the requests that are for them."""

    def __init__(self, api: ASGIApp, pages: Pages) -> None:
        self._api = api
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and self._pages.takes(scope)
        await (self._pages if is_page else self._api)(scope, receive, send)


class _Served:
    """One endpoint, with what it needs to answer."""

    def __init__(self, endpoint: Endpoint, platform: Platform, last_use: auth.LastUse) -> None:
        self.endpoint = endpoint
        self._platform = platform
        self._last_use = last_use
        self._shape = bodies.Shape(endpoint.body, strict=endpoint.strict) if endpoint.body else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_params"] = {
            name: unquote(value) for name, value in scope["path_params"].items()
        }
        scope["state"]["route"] = self.endpoint.path
        if (job_id := scope["path_params"].get("job_id")) is not None:
            bind_contextvars(job_id=job_id[:64])
        request = Request(scope, receive, send)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        caller = await self._admit(request)
        _refuse_nul(request)
        raw = await bodies.read(request) if self._shape else b""
        body = self._checked(raw)
        call = Call(request, self._platform, self.endpoint, caller, body, raw)
        reply = await self.endpoint.handler(call)
        return self._response(reply) if isinstance(reply, Reply) else reply

    async def _admit(self, request: Request) -> Caller | None:
        if self.endpoint.needs is None:
            return None
        caller = await auth.authenticate(self._platform, request)
        auth.check_origin(caller, request)
        auth.check_power(caller, self.endpoint.needs)
        self._last_use.note(caller)
        bind_contextvars(workspace=caller.workspace, key=caller.prefix)
        return caller

    def _checked(self, raw: bytes) -> object:
        if self._shape is None:
            return None
        body = bodies.decode(raw)
        self._shape.check(body)
        return body

    def _response(self, reply: Reply) -> Response:
        status = reply.status or self.endpoint.status
        return json_response(reply.value, status=status, headers=dict(reply.headers))


def routed_path(scope: Scope) -> str:
    """Return a request's path with each segment in one canonical percent-encoding."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    segments = raw.partition(b"?")[0].split(b"/")
    return "/".join(
        quote_from_bytes(unquote_to_bytes(segment), safe=_SEGMENT_SAFE) for segment in segments
    )


def _route_all(served: Iterable[_Served]) -> list[Route]:
    """Make one route of each path, the more specific before those that would swallow them."""
    by_path: dict[str, dict[str, _Served]] = {}
    for one in served:
        methods = by_path.setdefault(one.endpoint.path, {})
        if methods.setdefault(one.endpoint.method, one) is not one:
            raise ValueError(f"{one.endpoint.method} {one.endpoint.path} is declared twice")
    ordered = sorted(by_path.items(), key=lambda item: _specificity(item[0]))
    return [Route(path, _Methods(methods), methods=list(methods)) for path, methods in ordered]


class _Methods:
    """The endpoints of one path, by method. An object, since Starlette takes a plain function for
    a request handler; a HEAD is a GET whose body the server leaves out."""

    def __init__(self, methods: Mapping[str, _Served]) -> None:
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._methods.get(scope["method"]) or self._methods["GET"]
        if scope["method"] == "HEAD" and served.endpoint.media == "text/event-stream":
            # It would be held, with nothing to show, for as long as the stream lasts.
            raise HTTPException(405, headers={"Allow": ", ".join(self._methods)})
        await served(scope, receive, send)


def _specificity(path: str) -> tuple[int, list[int]]:
    segments = path.split("/")
    return -len(segments), [segment.startswith("{") + (":path" in segment) for segment in segments]


def _refuse_nul(request: Request) -> None:
    """PostgreSQL has no NUL in text, so no dialect gets one from a path or a query."""
    if any("\x00" in value for value in request.path_params.values()):
        raise HTTPException(404)
    for name, value in request.query_params.multi_items():
        if "\x00" in value:
            raise bad_parameter(name.replace("\x00", ""), "must not have a NUL character")


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)
