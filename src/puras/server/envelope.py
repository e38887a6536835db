"""What every answer is wrapped in: a request id, CORS, and one shape for everything that is a no.

The one place where `Refused`, an unknown path and an unforeseen exception become HTTP. Cookies are
neither read nor set on `/v1`, which is what makes CORS open to all safe there, and nowhere else.
"""

from __future__ import annotations

import errno
import re
import time
from typing import Any

import msgspec
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from puras.server.clock import new_id
from puras.server.db.database import Unavailable
from puras.server.metrics.instruments import request_answered
from puras.server.refusals import Refused
from puras.server.storage.port import StorageUnavailable
from puras.server.tracing.requests import request_span
from puras.wire import ErrorBody

METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"
EXPOSED_HEADERS = "X-Request-Id, Retry-After, Idempotent-Replayed, Puras-Idempotency"

_REQUEST_ID = re.compile(r"[\x20-\x7e]{1,128}")
_FULL = {errno.ENOSPC, errno.EDQUOT}
_log = structlog.get_logger("puras.http")


class Envelope:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        sender, began = _Sender(scope, send, request_id), time.perf_counter()
        traced = request_span(
            Headers(scope=scope).get("traceparent", ""),
            method=scope["method"],
            told=lambda: (scope["state"].get("route"), sender.status),
        )
        with structlog.contextvars.bound_contextvars(request_id=request_id), traced:
            try:
                await self._answer(scope, receive, sender)
            finally:
                _tell(scope, sender, seconds=time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        try:
            if scope["method"] == "OPTIONS" and send.is_api:
                await _preflight()(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except ClientDisconnect:
            _log.debug("the client hung up", method=scope["method"], path=scope["path"])
        except Exception as error:
            refused = _as_refused(error)
            if refused is None:
                _log.exception("a request failed", method=scope["method"], path=scope["path"])
            if send.started:
                raise
            response = error_response(refused or _internal_error(), send.request_id)
            response.headers.update(getattr(error, "headers", None) or {})
            await response(scope, receive, send)


class _Sender:
    """An ASGI `send` that adds the headers of every answer to its head."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.started = False
        self.status = 0
        self.streams = False
        self.request_id = request_id
        self.is_api = scope["path"] == "/v1" or scope["path"].startswith("/v1/")
        self._keeps_keys = self.is_api or scope["path"] == "/health"
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            self._add_headers(MutableHeaders(scope=message))
        await self._send(message)

    def _add_headers(self, headers: MutableHeaders) -> None:
        self.streams = headers.get("content-type", "").startswith("text/event-stream")
        headers["X-Request-Id"] = self.request_id
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if self._keeps_keys:
            headers["Puras-Idempotency"] = "1"
        if self.is_api:
            headers["Access-Control-Allow-Origin"] = "*"
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS


def _tell(scope: Scope, sent: _Sender, *, seconds: float) -> None:
    """Count an answer, and log it where each is to be logged. A client that left got none."""
    if not sent.started:
        return
    route = scope["state"].get("route")
    took = None if sent.streams else seconds
    request_answered(scope["method"], route, status=sent.status, seconds=took)
    _log.debug(
        "request",
        method=scope["method"],
        route=route,
        status=sent.status,
        seconds=round(seconds, 6),
    )


def error_response(refused: Refused, request_id: str) -> Response:
    """Turn a refusal into its answer."""
    body: ErrorBody = {"detail": refused.detail, "code": refused.code, "request_id": request_id}
    if refused.errors:
        body["errors"] = refused.errors
    headers = dict(refused.headers)
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return json_response(body, status=refused.status, headers=headers)


def json_response(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    content = b"" if status == 204 else msgspec.json.encode(value)
    media_type = None if status == 204 else "application/json"
    return Response(content, status, headers, media_type)


def _as_refused(error: Exception) -> Refused | None:
    if isinstance(error, Refused):
        return error
    if isinstance(error, HTTPException) and error.status_code == 405:
        return Refused("method_not_allowed", "use one of the methods that `Allow` lists")
    if isinstance(error, HTTPException) and error.status_code == 404:
        return Refused(
            "not_found", "there is no such path: see the API reference for those that are"
        )
    if isinstance(error, StorageUnavailable):
        _log.error("storage_unavailable", error=str(error))
        return Refused(
            "not_ready",
            "the server can't reach its files now: try again in a while",
            retry_after=2,
        )
    if isinstance(error, Unavailable) or (isinstance(error, OSError) and error.errno in _FULL):
        _log.error("storage_unavailable", error=str(error))
        return Refused(
            "not_ready",
            "the server can't write its data now, its disk may be full: try again in a while",
            retry_after=2,
        )
    return None


def _internal_error() -> Refused:
    return Refused(
        "internal_error",
        "the server failed: try again, and give the operator this request id if it happens again",
    )


def _preflight() -> Response:
    headers = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": "7200",
    }
    return Response(status_code=204, headers=headers)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id()
