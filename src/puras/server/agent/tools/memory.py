"""The tools by which an agent remembers: search, get, put, forget."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from puras.bundle.schema import compile_schema
from puras.server.agent.models.port import ToolSpec
from puras.server.agent.toolbox import Reply, Tool, ToolUse, Use
from puras.server.clock import Clock, iso
from puras.server.db.database import Database, Row, Transaction
from puras.server.jobs import store as jobs
from puras.server.jobs.inline import owner_of
from puras.server.memory import store
from puras.server.memory.store import Memory, NewMemory, Scope
from puras.server.refusals import Refused
from puras.server.worker.run import Run

MOST_FOUND = 50
_FOUND = 10
_PREVIEW = 500
_KEY = {"type": "string", "description": "The name that the memory is kept under."}
_SHARED = {
    "type": "boolean",
    "description": "For all skills of this skillpack, and not for this one alone.",
}
_SCHEMAS: Mapping[str, tuple[str, Mapping[str, Any], list[str]]] = {
    "memory_search": (
        "Find what earlier runs remembered: memories that have a word of the query, or one that "
        "begins with it, best first. Long texts are cut; read one whole with `memory_get`.",
        {
            "query": {"type": "string", "description": "Some words."},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_FOUND},
        },
        ["query"],
    ),
    "memory_get": ("Read one memory by its key.", {"key": _KEY}, ["key"]),
    "memory_put": (
        "Remember a text for later runs under a key; what the key had before is replaced. Keep "
        "what later runs need to know: facts, preferences, what worked and what did not.",
        {
            "key": _KEY,
            "text": {"type": "string", "description": "At most 16 KiB."},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
            "shared": _SHARED,
        },
        ["key", "text"],
    ),
    "memory_forget": (
        "Forget what is kept under a key.",
        {"key": _KEY, "shared": _SHARED},
        ["key"],
    ),
}


def memory_tools(run: Run, db: Database, clock: Clock) -> list[Tool]:
    """Return the tools that work with the memories of a run's skill in its caller's workspace."""
    memories = _Memories(run, db, clock, scope_of(run.row))
    uses: Mapping[str, Use] = {
        "memory_search": memories.search,
        "memory_get": memories.get,
        "memory_put": memories.put,
        "memory_forget": memories.forget,
    }
    return [_tool(name, use) for name, use in uses.items()]


def scope_of(row: Row) -> Scope:
    """Return whose memories a job works with: those of the workspace that submitted it. A prompt
    among a skill's references has those of its skill."""
    return Scope(row["workspace_id"], row["skillpack_id"], owner_of(row["skill_name"]))


def _tool(name: str, use: Use) -> Tool:
    description, properties, required = _SCHEMAS[name]
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }

    async def checked(call: ToolUse) -> Reply:
        faults = compile_schema(schema).violations(dict(call.input))
        if faults:
            told = "; ".join(f"{fault['path']}: {fault['message']}" for fault in faults)
            return Reply(f"The input of `{name}` does not fit: {told}", ok=False)
        try:
            return await use(call)
        except Refused as refusal:
            return Reply(refusal.detail, ok=False)

    mutates = "memory" if name in ("memory_put", "memory_forget") else None
    return Tool(ToolSpec(name, description, schema), checked, mutates=mutates)


@dataclass(frozen=True, slots=True)
class _Memories:
    run: Run
    db: Database
    clock: Clock
    scope: Scope

    async def search(self, call: ToolUse) -> Reply:
        query, limit = call.input["query"], call.input.get("limit", _FOUND)
        found = await self.db.read(
            lambda tx: store.search(tx, self.scope, query, limit=limit, dialect=self.db.dialect)
        )
        if not found:
            return Reply("Nothing is remembered that has one of these words.")
        return Reply(_json([_shown(memory, most=_PREVIEW) for memory in found]))

    async def get(self, call: ToolUse) -> Reply:
        async def effect(tx: Transaction) -> Memory | None:
            await self._fence(tx)
            memory = await store.get(tx, self.scope, call.input["key"])
            if memory is not None:
                await store.use(tx, memory)
            return memory

        memory = await self.db.write(effect)
        return _nothing(call) if memory is None else Reply(_json(_shown(memory)))

    async def put(self, call: ToolUse) -> Reply:
        masker = self.run.host.masker
        key, text = masker.text(call.input["key"]), masker.text(call.input["text"])
        tags = tuple(masker.text(tag) for tag in call.input.get("tags", ()))

        async def effect(tx: Transaction) -> None:
            await self._fence(tx)
            new = NewMemory(key, text, tags)
            await store.put(tx, self._written(call), new, now=self.clock())

        await self.db.write(effect)
        return Reply(f"Remembered as `{key}`.")

    async def forget(self, call: ToolUse) -> Reply:
        async def effect(tx: Transaction) -> bool:
            await self._fence(tx)
            return await store.forget(tx, self._written(call), call.input["key"])

        forgotten = await self.db.write(effect)
        return Reply(f"Forgot `{call.input['key']}`.") if forgotten else _nothing(call)

    def _written(self, call: ToolUse) -> Scope:
        return self.scope.shared if call.input.get("shared") else self.scope

    async def _fence(self, tx: Transaction) -> None:
        row = self.run.row
        if not await jobs.is_running(tx, job_id=row["id"], attempt=row["attempt"]):
            raise Refused("job_not_found", "this attempt is over: it changes nothing any more")


def _nothing(call: ToolUse) -> Reply:
    return Reply(
        f"Nothing is kept under `{call.input['key']}`: look for it with `memory_search`.", ok=False
    )


def _shown(memory: Memory, *, most: int | None = None) -> dict[str, Any]:
    text = memory.text if most is None or len(memory.text) <= most else f"{memory.text[:most]}…"
    return {
        "key": memory.key,
        "text": text,
        "tags": memory.tags,
        **({"shared": True} if memory.shared else {}),
        "updated_at": iso(memory.updated_at),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
