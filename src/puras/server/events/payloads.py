"""What an event says, as JSON text within its limit."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from puras.wire import MAX_EVENT_PAYLOAD_BYTES, MAX_LOG_LINE_BYTES

Payload: TypeAlias = dict[str, Any]


def encode_payload(payload: Payload) -> str:
    """Return the payload as JSON text; one over the limit keeps what is small and says so."""
    text = _json(payload)
    size = len(text.encode())
    if size <= MAX_EVENT_PAYLOAD_BYTES:
        return text
    small: Payload = {}
    left = MAX_EVENT_PAYLOAD_BYTES // 2
    for name, value in payload.items():
        needed = len(_json({name: value}).encode())
        if needed <= min(left, MAX_LOG_LINE_BYTES):
            small[name] = value
            left -= needed
    return _json({**small, "cut": True, "size_bytes": size})


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()
