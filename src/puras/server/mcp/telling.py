"""A job's events as the words of a progress notification, and its end as a tool's result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from puras.wire import Job

_MOST_CHARACTERS = 500


def words(event: Mapping[str, Any]) -> str:
    """Tell an event in a few words; the payload is of the view that the caller may see."""
    payload: Mapping[str, Any] = event["payload"]
    match event["type"]:
        case "status":
            text = payload["status"]
        case "progress":
            text = f"{payload['fraction'] * 100:.0f}% {payload.get('message') or ''}"
        case "log":
            text = payload["message"]
        case "step":
            text = payload.get("label") or f"step {payload['step']}"
        case "approval_required":
            text = f"a person has to approve {payload.get('tool_name')}"
        case other:
            name = payload.get("name") or payload.get("label") or payload.get("model") or ""
            text = f"{other.replace('_', ' ')} {name}"
    return str(text).strip()[:_MOST_CHARACTERS]


def tool_result(job: Job) -> dict[str, Any]:
    """Return what a call gives: the result as structured content, its files as links."""
    if job["status"] != "succeeded":
        state = job["error"] or f"the job is {job['status']}, and goes on without this call"
        return refusal(f"{state} (job {job['id']})", job["error_code"], job_id=job["id"])
    result = job["result"] or {}
    links = [
        {
            "type": "resource_link",
            "uri": output["url"],
            "name": output["name"],
            "mimeType": output["mime"],
            "size": output["size_bytes"],
        }
        for output in job["outputs"]
    ]
    return {
        "content": [{"type": "text", "text": json.dumps(result, ensure_ascii=False)}, *links],
        "structuredContent": result,
        "isError": False,
        "_meta": {"puras/job_id": job["id"], "puras/cost_micros": job["cost_micros"]},
    }


def refusal(
    sentence: str,
    code: str | None,
    *,
    job_id: str | None = None,
    faults: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Return a result that says what went wrong, with its code, for the model to act on."""
    lines = [f"{code}: {sentence}" if code else sentence]
    lines += [f"{fault.get('path')}: {fault.get('message')}" for fault in faults or []]
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": "\n".join(lines)}],
        "isError": True,
        "_meta": {"puras/error_code": code},
    }
    if job_id is not None:
        result["_meta"]["puras/job_id"] = job_id
    return result
