"""Child jobs: what `subagent.run` in a skill starts, waits for, and gets back.

The call is recorded as intended, with the child's id, in the transaction that queues the child; a
later attempt of the parent finds it there and waits for the same child instead of a second one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from puras.server.clock import Clock, new_id
from puras.server.db.database import Database, Row, Transaction
from puras.server.deployments import store as deployments
from puras.server.deployments.store import Deployment
from puras.server.events.hub import Hub
from puras.server.jobs import store
from puras.server.jobs.inputs import fill, named_paths
from puras.server.jobs.states import NewJob
from puras.server.jobs.submit import submit_child
from puras.server.jobs.waiting import wait_for_end
from puras.server.refusals import Refused
from puras.server.skillpacks import store as skillpacks
from puras.server.skillpacks.store import Skillpack
from puras.server.worker.loop import Active
from puras.server.worker.run_drive import RunDrive
from puras.skill_path import parse
from puras.wire import MAX_SUBAGENT_DEPTH, TERMINAL_STATUSES, ManifestSkill

_NO_TIMEOUT = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Target:
    """The skill that a child will run."""

    skillpack: Skillpack
    deployment: Deployment
    skill: ManifestSkill


@dataclass(frozen=True, slots=True)
class Children:
    """Starts children and waits for them. `announce` tells of committed changes."""

    db: Database
    hub: Hub
    clock: Clock
    announce: Callable[[store.Changes], None]

    async def run(
        self, parent: Active, arguments: dict[str, Any], run_drive: RunDrive
    ) -> dict[str, Any]:
        """Run a child to its end and return it as a job; a failed child is no error here.

        The child gets no more of the drive than its parent reaches, and the parent reaches what
        the child's result names.

        Raises:
            Refused: the target does not exist, its inputs do not fit, the chain is too deep or
                goes in a circle.
        """
        call = _call_key(arguments)
        known = await self.db.read(lambda tx: store.recall(tx, job_id=parent.row["id"], call=call))
        if known is not None and known[0] == "done":
            return _granting(dict(known[1]), run_drive)
        child_id = (
            known[1]["job_id"] if known else await self._start(parent, arguments, call, run_drive)
        )
        row = await self._wait(parent, child_id, timeout=arguments.get("timeout"))
        job = _as_job(row)
        await self.db.write(
            lambda tx: store.record(
                tx,
                job_id=parent.row["id"],
                attempt=parent.row["attempt"],
                call=call,
                state="done",
                value=job,
            )
        )
        return job

    async def _start(
        self,
        parent: Active,
        arguments: dict[str, Any],
        call: store.CallKey,
        run_drive: RunDrive,
    ) -> str:
        row = parent.row
        if row["depth"] >= MAX_SUBAGENT_DEPTH:
            raise Refused(
                "invalid_request",
                f"a chain of subagents is at most {MAX_SUBAGENT_DEPTH} deep: "
                "let an outer skill make this call",
            )
        target = await self.db.read(lambda tx: _find(tx, row, arguments))
        await self._refuse_circles(row, target)
        job = _new_job(row, target, arguments.get("inputs") or {})
        for path in named_paths(target.skill, job.inputs, workspace_id=row["workspace_id"]):
            run_drive.readable({"path": path})

        async def effect(tx: Transaction) -> bool:
            event = await submit_child(tx, row, job, now=self.clock())
            return event is not None and await store.record(
                tx,
                job_id=row["id"],
                attempt=row["attempt"],
                call=call,
                state="intended",
                value={"job_id": job.id},
            )

        if not await self.db.write(effect):
            raise Refused("job_not_found", "this run is over")
        return job.id

    async def _refuse_circles(self, row: Row, target: Target) -> None:
        above = await self.db.read(lambda tx: store.ancestors(tx, row["id"]))
        if (target.skillpack.id, target.skill["name"]) in above:
            raise Refused(
                "invalid_request",
                f"`{target.skill['name']}` is already running above this call: "
                "a chain of subagents may not go in a circle",
            )

    async def _wait(self, parent: Active, child_id: str, *, timeout: float | None) -> Row:
        """Wait for the child's end; at the timeout it is cancelled."""
        parent.waiting_for.add(child_id)
        await self._give_slot_away(parent, child_id)
        try:
            row = await wait_for_end(self.db, self.hub, child_id, seconds=timeout or _NO_TIMEOUT)
            if row is None or row["status"] not in TERMINAL_STATUSES:
                row = await self._cancel(child_id)
        finally:
            parent.waiting_for.discard(child_id)
        return row

    async def _give_slot_away(self, parent: Active, child_id: str) -> None:
        """Count the parent as waiting, also in a later attempt that found its child at work."""

        async def effect(tx: Transaction) -> None:
            row = await store.get(tx, child_id)
            if row is not None and row["status"] not in TERMINAL_STATUSES:
                await store.wait_for_child(
                    tx, job_id=parent.row["id"], attempt=parent.row["attempt"]
                )

        await self.db.write(effect)
        self.announce(store.Changes())

    async def _cancel(self, child_id: str) -> Row:
        if self.hub.closing:
            await asyncio.Event().wait()  # shutting down: this task is cancelled with its run
        changes = await self.db.write(
            lambda tx: store.cancel(
                tx, job_id=child_id, by="its parent's timeout", now=self.clock()
            )
        )
        self.announce(changes)
        row = await self.db.read(lambda tx: store.get(tx, child_id))
        assert row is not None, "jobs are never deleted while their parent runs"
        return row


def _granting(job: dict[str, Any], run_drive: RunDrive) -> dict[str, Any]:
    run_drive.grant(output["drive_path"] for output in job["outputs"])
    return job


def _call_key(arguments: dict[str, Any]) -> store.CallKey:
    asked = {name: arguments.get(name) for name in ("target", "inputs", "prompt", "version")}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()
    return store.CallKey("subagent.run", digest, int(arguments.get("occurrence") or 0))


async def _find(tx: Transaction, row: Row, arguments: dict[str, Any]) -> Target:
    """Find a subskill, a sibling, or a skill by path, as the publisher of the running skill."""
    if arguments.get("prompt") is not None or not arguments.get("target"):
        raise Refused(
            "agent_not_available",
            "a prompt runs as an agent, and this server has no agent runtime: name a skill",
        )
    path = parse(str(arguments["target"]))
    own = await deployments.get(tx, row["deployment_id"])
    assert own is not None, "a deployment in use is never deleted"
    pack = await skillpacks.get(tx, row["skillpack_id"])
    assert pack is not None, "a skillpack in use is never deleted"
    deployment: Deployment | None = own
    names = [f"{row['skill_name']}/{path.skill}", path.skill]
    if path.skillpack is not None:
        names = [path.skill]
        found = await skillpacks.find(tx, path.skillpack, workspace_id=pack.workspace_id)
        version = arguments.get("version")
        if found is None:
            deployment = None
        else:
            pack = found
            deployment = (
                await deployments.active(tx, pack.id)
                if version is None
                else await deployments.by_version(tx, pack.id, int(version))
            )
    skill = next((s for name in names if deployment and (s := deployment.skill(name))), None)
    if deployment is None or skill is None:
        raise Refused(
            "skill_not_found",
            f"there is no skill `{arguments['target']}` to run: check its path and that it is "
            "deployed",
        )
    if skill["type"] != "function":
        raise Refused(
            "agent_not_available",
            f"`{arguments['target']}` runs as an agent, and this server has no agent runtime",
        )
    return Target(pack, deployment, skill)


def _new_job(row: Row, target: Target, inputs: dict[str, Any]) -> NewJob:
    own = target.skillpack.workspace_id == row["workspace_id"]
    return NewJob(
        id=new_id(),
        workspace_id=row["workspace_id"],
        skillpack_id=target.skillpack.id,
        skillpack=target.skillpack.slug,
        deployment_id=target.deployment.id,
        version=target.deployment.version,
        skill_name=target.skill["name"],
        type="function",
        key_id=row["key_id"],
        inputs=fill(target.skill, inputs),
        wide_reach=bool(row["wide_reach"]) and own,
        public_view=not own,
        source="subagent",
        parent_job_id=row["id"],
        root_job_id=row["root_job_id"],
        depth=row["depth"] + 1,
    )


def _as_job(row: Row) -> dict[str, Any]:
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
