"""JSON-RPC 2.0, as much of it as the Model Context Protocol needs over HTTP."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""The revisions of the protocol that are spoken here, the newest first."""

INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
UNSUPPORTED_VERSION: Final = -32022

RequestId: TypeAlias = str | int | float


class RPCFailed(Exception):
    """A message that can't be answered with a result. `status` is that of the HTTP answer."""

    def __init__(self, code: int, message: str, *, data: Any = None, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.status = status


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a notification where `id` is None. `method` None: an answer of the client."""

    method: str | None
    params: dict[str, Any] = field(default_factory=dict)
    id: RequestId | None = None

    @property
    def progress_token(self) -> RequestId | None:
        meta = self.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        return token if _is_id(token) else None


def read_message(body: Any) -> Message:
    """Read a message. Raises RPCFailed with status 400."""
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise RPCFailed(
            INVALID_REQUEST, "send one JSON-RPC 2.0 message a request, no batch", status=400
        )
    method, params, id = body.get("method"), body.get("params") or {}, body.get("id")
    if method is None and ("result" in body or "error" in body):
        return Message(None)
    if not isinstance(method, str) or not isinstance(params, dict):
        raise RPCFailed(INVALID_REQUEST, "`method` is a text, `params` an object", status=400)
    if "id" in body and not _is_id(id):
        raise RPCFailed(INVALID_REQUEST, "`id` is a text or a number", status=400)
    return Message(method, params, id)


def result_of(id: RequestId | None, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": result}


def error_of(id: RequestId | None, failed: RPCFailed) -> dict[str, Any]:
    error = {"code": failed.code, "message": str(failed)}
    return {
        "jsonrpc": "2.0",
        "id": id,
        "error": error if failed.data is None else {**error, "data": failed.data},
    }


def source_of(session: str, id: RequestId) -> str:
    """Return what a job is known by to the client that called it: its session and request.

    It is kept with the job, so that whichever process gets the cancel of a call finds it.
    """
    digest = hashlib.sha256(json.dumps([session, id]).encode()).hexdigest()
    return f"mcp:{digest[:32]}"


def as_event(message: dict[str, Any]) -> bytes:
    """Return a message as one Server-Sent Event. It has no id, for a call is not resumed here."""
    return b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n"


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
