"""A child as a job: what it is queued as, and what its parent reads of it."""

from __future__ import annotations

import json
from typing import Any

from puras.server.clock import new_id
from puras.server.db.database import Row
from puras.server.jobs.inputs import fill
from puras.server.jobs.states import NewJob
from puras.server.worker.child_calls import (
    ChildCall,
    ChildTarget,
)


def child_job(row: Row, target: ChildTarget, called: ChildCall) -> NewJob:
    own = target.skillpack.workspace_id == row["workspace_id"]
    return NewJob(
        id=new_id(),
        workspace_id=row["workspace_id"],
        skillpack_id=target.skillpack.id,
        skillpack=target.skillpack.slug,
        deployment_id=target.deployment.id,
        version=target.deployment.version,
        skill_name=target.skill["name"],
        type=target.skill["type"],
        key_id=row["key_id"],
        inputs=fill(target.skill, called.inputs),
        prompt=called.prompt,
        wide_reach=bool(row["wide_reach"]) and own,
        public_view=not own,
        source="subagent",
        parent_job_id=row["id"],
        root_job_id=row["root_job_id"],
        depth=row["depth"] + 1,
        traceparent=row["traceparent"],
        skill_concurrency=target.skill.get("concurrency"),
    )


def as_seen(row: Row) -> dict[str, Any]:
    """Return what a parent reads of its child: the result as stored, with plain drive paths."""
    return {
        "id": row["id"],
        "status": row["status"],
        "result": None if row["result"] is None else json.loads(row["result"]),
        "error": row["error"] if not row["public_view"] else row["public_error"],
        "error_code": row["error_code"],
        "skill_name": row["skill_name"],
        "cost_micros": row["cost_micros"],
        "outputs": [
            {key: output[key] for key in ("name", "drive_path", "mime", "size_bytes")}
            for output in json.loads(row["outputs"] or "[]")
        ],
    }
