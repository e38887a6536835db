"""A job as a caller reads it: the row, with files signed and, for some, another `error`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from puras.server.caller import Caller
from puras.server.clock import iso, iso_or_none
from puras.server.db.database import Row
from puras.wire import Job, OutputFile


def sees_public_view(row: Row, caller: Caller) -> bool:
    """Publishable keys and callers of another workspace's skill do not see inside of it."""
    return caller.is_publishable or bool(row["public_view"])


def output_paths(row: Row) -> list[str]:
    """Return the drive paths in a job's result, for which `view` needs URLs."""
    return [stored["drive_path"] for stored in json.loads(row["outputs"] or "[]")]


def view(row: Row, caller: Caller, *, urls: Mapping[str, str]) -> Job:
    """Return the job as this caller may see it. `urls` has one for each of its output paths."""
    public = sees_public_view(row, caller)
    result = None if row["result"] is None else json.loads(row["result"])
    outputs: list[OutputFile] = []
    for stored in json.loads(row["outputs"] or "[]"):
        url = urls[stored["drive_path"]]
        result = replace(result, stored["at"], url)
        outputs.append(
            {
                "name": stored["name"],
                "drive_path": stored["drive_path"],
                "url": url,
                "mime": stored["mime"],
                "size_bytes": stored["size_bytes"],
            }
        )
    return {
        "id": row["id"],
        "status": row["status"],
        "result": result,
        "error": row["public_error"] if public else row["error"],
        "error_code": row["error_code"],
        "skill_name": row["skill_name"],
        "created_at": iso(row["created_at"]),
        "started_at": iso_or_none(row["started_at"]),
        "finished_at": iso_or_none(row["finished_at"]),
        "workspace_id": row["workspace_id"],
        "skillpack_id": row["skillpack_id"],
        "skillpack": row["skillpack"],
        "deployment_id": row["deployment_id"],
        "version": row["version"],
        "parent_job_id": row["parent_job_id"],
        "type": row["type"],
        "inputs": json.loads(row["inputs"]),
        "outputs": outputs,
        "cost_micros": row["cost_micros"],
        "steps": row["steps"],
        "usage": {
            "input_tokens": row["input_tokens"],
            "output_tokens": row["output_tokens"],
            "cost_micros": row["cost_micros"],
        },
        "source": row["source"],
        "key_id": row["key_id"],
        "attempt": row["attempt"],
        "draft": bool(row["draft"]),
        "eval_score": row["eval_score"],
        "eval_results": None if public else json.loads(row["eval_results"] or "null"),
    }


def replace(value: Any, at: list[str | int], new: Any) -> Any:
    """Return a copy of a JSON value in which the place `at` holds `new`."""
    if not at:
        return new
    step, rest = at[0], at[1:]
    if isinstance(value, dict) and isinstance(step, str):
        return {**value, step: replace(value[step], rest, new)}
    if isinstance(value, list) and isinstance(step, int):
        return [replace(item, rest, new) if i == step else item for i, item in enumerate(value)]
    raise LookupError(f"no place {at!r} in the value")
