"""What a job's event looks like as a line of text. Pure: `live` decides where the line goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from puras.cli.output import printable

_STATUS_STYLES: Final = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}
_LEVEL_STYLES: Final = {"error": "red", "warning": "yellow", "debug": "dim"}
_PREVIEW_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One event, told. `time` is UTC, `style` a rich style or empty."""

    time: str
    label: str
    text: str
    style: str = ""

    def __str__(self) -> str:
        return f"{self.time}  {self.label:<9}  {self.text}".rstrip()


def line(event: Mapping[str, Any]) -> Line:
    """Tell an event in a line; a type that this version does not know shows its payload."""
    kind = str(event["type"])
    payload: Mapping[str, Any] = event.get("payload") or {}
    text = _whose(payload) + _TEXTS.get(kind, _unknown)(payload)
    return Line(str(event.get("ts", ""))[11:19], kind, printable(text), _style(kind, payload))


def _whose(payload: Mapping[str, Any]) -> str:
    """Name the subagent that an event is of; nothing for the job's own."""
    inside = payload.get("ctx")
    return f"[{inside.get('label')}] " if isinstance(inside, Mapping) else ""


def percent(payload: Mapping[str, Any]) -> float:
    """Return how far a `progress` event says the job is, 0 to 100."""
    return max(0.0, min(1.0, float(payload.get("fraction") or 0.0))) * 100


def _style(kind: str, payload: Mapping[str, Any]) -> str:
    if kind == "status":
        return _STATUS_STYLES.get(str(payload.get("status")), "bold")
    if kind == "log":
        return _LEVEL_STYLES.get(str(payload.get("level")), "")
    return "cyan"


def _status(payload: Mapping[str, Any]) -> str:
    attempt = payload.get("attempt") or 1
    again = f" (attempt {attempt})" if attempt > 1 else ""
    error = f": {payload['error']}" if payload.get("error") else ""
    return f"{payload.get('status')}{again}{error}"


def _log(payload: Mapping[str, Any]) -> str:
    level = payload.get("level", "info")
    prefix = "" if level == "info" else f"{level}: "
    return f"{prefix}{payload.get('message', '')}"


def _progress(payload: Mapping[str, Any]) -> str:
    return f"{percent(payload):.0f}% {payload.get('message') or ''}".rstrip()


def _step(payload: Mapping[str, Any]) -> str:
    return _joined(payload, "step", "label")


def _model_response(payload: Mapping[str, Any]) -> str:
    tokens = f"{payload.get('input_tokens', 0)} tokens in, {payload.get('output_tokens', 0)} out"
    return f"{payload.get('model', '')}: {tokens}"


def _tool_call(payload: Mapping[str, Any]) -> str:
    return f"{payload.get('name')} {payload.get('label') or _short(payload.get('input'))}"


def _tool_result(payload: Mapping[str, Any]) -> str:
    outcome = "ok" if payload.get("ok") else "failed"
    return f"{payload.get('name')} {outcome}: {_short(payload.get('preview'))}"


def _subagent(payload: Mapping[str, Any]) -> str:
    return _joined(payload, "label", "status")


def _approval_required(payload: Mapping[str, Any]) -> str:
    approval_id, until = payload.get("approval_id"), str(payload.get("expires_at", ""))[11:19]
    return (
        f"{payload.get('tool_name')} {_short(payload.get('tool_input'))} waits for an answer until "
        f"{until}: puras approve {approval_id}, or puras deny {approval_id}"
    )


def _approval_decided(payload: Mapping[str, Any]) -> str:
    reason = f": {payload['reason']}" if payload.get("reason") else ""
    return f"{payload.get('status')}{reason}"


def _unknown(payload: Mapping[str, Any]) -> str:
    return _short(payload)


def _joined(payload: Mapping[str, Any], *names: str) -> str:
    return " ".join(str(payload[name]) for name in names if payload.get(name) is not None)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _PREVIEW_LENGTH else f"{text[:_PREVIEW_LENGTH]}…"


_TEXTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "status": _status,
    "log": _log,
    "progress": _progress,
    "step": _step,
    "model_response": _model_response,
    "tool_call": _tool_call,
    "tool_result": _tool_result,
    "approval_required": _approval_required,
    "approval_decided": _approval_decided,
    "subagent_start": _subagent,
    "subagent_end": _subagent,
}
