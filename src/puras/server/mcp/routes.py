"""The Model Context Protocol at `/mcp`: each skill that a key may run is a tool.

POST a request        → its result, or a stream of progress that ends with it
POST a notification   → 202
GET, DELETE           → 405: the server says nothing by itself, and keeps no sessions
"""

from __future__ import annotations

import importlib.metadata
import re
from typing import Any

from starlette.responses import Response

from puras.server import bodies
from puras.server.caller import Power
from puras.server.clock import new_id
from puras.server.endpoint import Call, Reply, Routes
from puras.server.mcp.calls import Desk
from puras.server.mcp.messages import (
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
    VERSIONS,
    Message,
    RPCFailed,
    error_of,
    read_message,
    result_of,
)
from puras.server.mcp.tools import runnable

routes = Routes("mcp")

_SESSION = "Mcp-Session-Id"
_A_SESSION = re.compile(r"[\x21-\x7e]{1,128}")


@routes.post("/mcp", needs=Power.PUBLISHABLE, codes=("invalid_json", "too_large"))
async def take_message(call: Call) -> Reply | Response:
    """Take one message of the Model Context Protocol (JSON-RPC 2.0 over streamable HTTP)."""
    body = bodies.decode(await bodies.read(call.request))
    message = Message(None)
    try:
        message = read_message(body)
        _check_version(call, message)
        if message.method is None or message.id is None:
            await _notice(call, message)
            return Response(status_code=202)
        if message.method == "tools/call":
            return await _call(call, message)
        return await _answer(call, message)
    except RPCFailed as failed:
        return Reply(error_of(message.id, failed), status=failed.status)


async def _notice(call: Call, message: Message) -> None:
    if message.method == "notifications/cancelled":
        request_id = message.params.get("requestId")
        if isinstance(request_id, str | int | float):
            await _desk(call).cancel(request_id)


async def _call(call: Call, message: Message) -> Reply | Response:
    desk = _desk(call)
    begun = await desk.begin(message)
    if isinstance(begun, dict):
        return Reply(result_of(message.id, begun))
    if "text/event-stream" in call.request.headers.get("accept", ""):
        return await desk.stream(begun, message)
    return Reply(result_of(message.id, await desk.end_of(begun)))


async def _answer(call: Call, message: Message) -> Reply:
    match message.method:
        case "initialize":
            return _welcome(message)
        case "ping":
            return Reply(result_of(message.id, {}))
        case "tools/list":
            tools = await call.platform.db.read(lambda tx: runnable(tx, call.caller))
            shown = [tool.described() for tool in tools]
            return Reply(result_of(message.id, {"tools": shown}))
    raise RPCFailed(METHOD_NOT_FOUND, f"there is no method {message.method!r} here")


def _welcome(message: Message) -> Reply:
    """Agree on a version: the client's, where it is spoken here, else our newest."""
    asked = message.params.get("protocolVersion")
    result: dict[str, Any] = {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {
            "name": "puras",
            "title": "Puras",
            "version": importlib.metadata.version("puras"),
        },
        "instructions": "Each tool is a skill. A call runs it as a job and waits for its end.",
    }
    return Reply(result_of(message.id, result), headers={_SESSION: new_id()})


def _check_version(call: Call, message: Message) -> None:
    asked = call.request.headers.get("mcp-protocol-version")
    if asked is None or asked in VERSIONS or message.method == "initialize":
        return
    raise RPCFailed(
        UNSUPPORTED_VERSION,
        f"version {asked[:40]} of the protocol is not spoken here: {', '.join(VERSIONS)} are",
        data={"supported": list(VERSIONS), "requested": asked[:40]},
        status=400,
    )


def _desk(call: Call) -> Desk:
    """The session is only what a client was given to tell its calls from another's."""
    session = call.request.headers.get(_SESSION, "")
    return Desk(call.platform, call.caller, session if _A_SESSION.fullmatch(session) else "")
