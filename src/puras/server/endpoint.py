"""What a route declares of itself: enough to serve it, to fence it and to describe it in OpenAPI.

A domain's `routes.py` makes one `Routes` and decorates its handlers:

    routes = Routes("jobs")

    @routes.get("/v1/jobs/{job_id}", returns=wire.Job, needs=Power.PUBLISHABLE)
    async def get_job(call: Call) -> Reply: ...

`http` turns the endpoints into the ASGI application; `scripts/contract.py` into `openapi.json`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from starlette.requests import Request
from starlette.responses import Response

from puras.server.caller import Caller, Power
from puras.server.refusals import Refused

if TYPE_CHECKING:
    from puras.server.platform import Platform


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a handler. `body` is the checked JSON body, else None."""

    request: Request
    platform: Platform
    endpoint: Endpoint
    caller_or_none: Caller | None = None
    body: Any = None
    raw_body: bytes = b""

    @property
    def caller(self) -> Caller:
        if self.caller_or_none is None:
            raise Refused("invalid_api_key", "send `Authorization: Bearer <API key>`")
        return self.caller_or_none

    @property
    def path(self) -> Mapping[str, str]:
        return cast("Mapping[str, str]", self.request.path_params)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON answer: any value of `wire`, a status other than the endpoint's own, headers."""

    value: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[Call], Awaitable[Reply | Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path, who may call it, what it takes and what it gives.

    needs       the least power of a key; None: no key is asked for
    body        the wire type of the JSON body; None: the handler reads the body itself, if any
    strict      whether unknown fields of the body are refused (`unknown_field`)
    returns     the wire type of the answer; None: no JSON
    query       name → what it means, of each query parameter
    codes       error codes beyond those that every endpoint can give
    media       content type of the answer, where it is not JSON
    form        field → what it means, of a multipart body
    cookie      whether it is the cookie of a signed-in browser that counts here
    """

    method: str
    path: str
    handler: Handler
    group: str
    summary: str
    needs: Power | None
    body: Any = None
    strict: bool = False
    returns: Any = None
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    media: str = "application/json"
    form: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False
    cookie: bool = False

    @property
    def name(self) -> str:
        return str(getattr(self.handler, "__name__", self.path))


class Routes:
    """The endpoints of one domain."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.endpoints: list[Endpoint] = []

    def add(self, method: str, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            summary = (inspect.getdoc(handler) or "").split("\n\n")[0].replace("\n", " ")
            self.endpoints.append(Endpoint(method, path, handler, self.group, summary, **declared))
            return handler

        return register

    def get(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        return self.add("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        return self.add("POST", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        return self.add("PATCH", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        return self.add("PUT", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        return self.add("DELETE", path, **declared)
