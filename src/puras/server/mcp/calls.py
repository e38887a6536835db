"""`tools/call`: submits a job as any caller would, and answers with its end.

The answer is a stream where the client takes one: progress from the job's events, if it asked for
that, and the result at last. Hanging up cancels nothing, for a line may break; `notifications/
cancelled` cancels the job.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from puras.server.auth import still_valid
from puras.server.caller import Caller
from puras.server.db.database import Transaction
from puras.server.events.encoded import Encoded
from puras.server.jobs import store as jobs
from puras.server.jobs.stream import PING, Log, Pulse, Streamed
from puras.server.jobs.submit import submit
from puras.server.jobs.view import output_paths, sees_public_view, view
from puras.server.jobs.waiting import wait_for_end
from puras.server.jobs.wanted import Wanted
from puras.server.mcp.messages import (
    INVALID_PARAMS,
    Message,
    RequestId,
    RPCFailed,
    as_event,
    result_of,
    source_of,
)
from puras.server.mcp.telling import refusal, tool_result, words
from puras.server.mcp.tools import QUERIES, runnable
from puras.server.platform import Platform
from puras.server.refusals import Refused

_LONGEST_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a client's calls are taken: who calls, and in which session."""

    platform: Platform
    caller: Caller
    session: str

    async def begin(self, message: Message) -> str | dict[str, Any]:
        """Submit the job of a call and return its id, or the result that says why not.

        Raises:
            RPCFailed: there is no such tool, or the call makes no sense.
        """
        name, arguments = message.params.get("name"), message.params.get("arguments") or {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise RPCFailed(INVALID_PARAMS, "send the tool's `name`, and `arguments` as an object")
        tools = await self.platform.db.read(lambda tx: runnable(tx, self.caller))
        tool = next((tool for tool in tools if tool.name == name), None)
        if tool is None:
            raise RPCFailed(INVALID_PARAMS, f"unknown tool: {name[:200]}; see tools/list")
        assert message.id is not None, "a notification calls nothing"
        source = source_of(self.session, message.id)
        wanted = Wanted(tool.skill["name"], tool.pack, None, arguments, source)
        try:
            job_id, _ = await submit(self.platform, self.caller, wanted, None)
        except Refused as refused:
            faults = [{"path": f["path"], "message": f["message"]} for f in refused.errors]
            return refusal(refused.detail, refused.code, faults=faults)
        return job_id

    async def result(self, job_id: str, *, seconds: float = 0.0) -> dict[str, Any]:
        """Return what a call gives, once its job is over or `seconds` have passed."""
        platform = self.platform
        row = await wait_for_end(platform.db, platform.hub, job_id, seconds=seconds)
        if row is None:
            return refusal(f"there is no job `{job_id}` any more", "job_not_found")
        paths = output_paths(row)
        urls = await platform.signer.result_urls(row["workspace_id"], paths) if paths else {}
        return tool_result(view(row, self.caller, urls=urls))

    async def end_of(self, job_id: str) -> dict[str, Any]:
        """Return what a call gives, however long that takes."""
        return await self.result(job_id, seconds=_LONGEST_SECONDS)

    async def stream(self, job_id: str, message: Message) -> CallStream:
        row = await self.platform.db.read(lambda tx: jobs.get(tx, job_id))
        public = row is None or sees_public_view(row, self.caller)
        log = Log(self.platform.db, self.platform.hub, job_id, public)
        return CallStream(self, log, message)

    async def cancel(self, request_id: RequestId) -> None:
        """Cancel the job of a call that the client gave up; what is over stays as it is."""
        caller, now = self.caller, self.platform.clock()

        async def effect(tx: Transaction) -> jobs.Changes:
            called = await tx.all(
                QUERIES.called,
                workspace_id=caller.workspace_id,
                key_id=caller.key_id,
                source=source_of(self.session, request_id),
            )
            ids = [row["id"] for row in called]
            return await jobs.cancel_all(tx, ids, by="its caller", now=now)

        self.platform.announce(await self.platform.db.write(effect))


class CallStream(Streamed):
    """Streams a call: its progress, and its result."""

    def __init__(self, desk: Desk, log: Log, message: Message) -> None:
        super().__init__()
        self._desk = desk
        self._log = log
        self._message = message

    async def chunks(self) -> AsyncIterator[bytes]:
        desk, log, cursor = self._desk, self._log, 0
        every = desk.platform.settings.ping_seconds
        pulse = Pulse(asyncio.get_running_loop().time, every=every)
        yield PING
        with log.hub.watch(log.job_id) as watch:
            while not log.hub.closing:
                fresh = await log.after(watch, cursor)
                for event in fresh:
                    cursor = event.id
                    if event.ends_with is not None:
                        yield await self._end()
                        return
                    yield self._progress(event)
                if not fresh:
                    await watch.wait(pulse.left())
                if pulse.look_due():
                    if not await still_valid(desk.platform, desk.caller):
                        return
                    if pulse.silent():
                        yield PING
        yield await self._end()

    def _progress(self, event: Encoded) -> bytes:
        token = self._message.progress_token
        if token is None:
            return b""
        told = json.loads(event.view(public=self._log.public))
        params = {"progressToken": token, "progress": event.id, "message": words(told)}
        return as_event({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})

    async def _end(self) -> bytes:
        result = await self._desk.result(self._log.job_id)
        return as_event(result_of(self._message.id, result))
