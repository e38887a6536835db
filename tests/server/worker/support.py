"""A bundle to write skills into, and a host that remembers what it was told."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from puras.server.refusals import Refused
from puras.server.worker.process.runner import FunctionRunner
from puras.server.worker.spec import Failed, Outcome, RunSpec, Succeeded

Verb = Callable[[dict[str, Any], Path], Awaitable[Any]]


async def _open_span(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {"span": arguments["name"]}


async def _close_span(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {}


@dataclass
class RecordingHost:
    """Keeps every event, and answers the verbs that a test gives it."""

    verbs: dict[str, Verb] = field(
        default_factory=lambda: {"span.open": _open_span, "span.close": _close_span}
    )
    events: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = field(default_factory=list)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    def emit(
        self, type: str, payload: dict[str, Any], *, public: dict[str, Any] | None = None
    ) -> None:
        self.events.append((type, payload, public))
        self._notice = asyncio.ensure_future(self._notify())

    async def call(self, verb: str, arguments: dict[str, Any], run_folder: Path) -> Any:
        if verb not in self.verbs:
            raise Refused("invalid_request", f"there is no verb {verb}")
        return await self.verbs[verb](arguments, run_folder)

    def logged(self, level: str = "info") -> list[str]:
        return [
            payload["message"]
            for type, payload, _ in self.events
            if type == "log" and payload["level"] == level
        ]

    async def hear(self, message: str) -> None:
        """Wait until a line was logged."""
        async with self.heard:
            await self.heard.wait_for(lambda: message in self.logged())

    async def hear_prefix(self, prefix: str) -> str:
        """Wait for a line that begins so, and return the rest of it."""

        def found() -> list[str]:
            return [line for line in self.logged() if line.startswith(prefix)]

        async with self.heard:
            await self.heard.wait_for(lambda: bool(found()))
        return found()[0].removeprefix(prefix)

    async def _notify(self) -> None:
        async with self.heard:
            self.heard.notify_all()


@dataclass
class Bench:
    """A data folder with one bundle in it, and a runner for its skills."""

    home: Path
    runner: FunctionRunner
    host: RecordingHost = field(default_factory=RecordingHost)

    @property
    def bundle(self) -> Path:
        return self.home / "bundles" / "one"

    def write(self, code: str, file: str = "skill/main.py") -> None:
        path = self.bundle / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code), "utf-8")

    def spec(self, **changes: Any) -> RunSpec:
        fields: dict[str, Any] = {
            "job_id": "job-1",
            "attempt": 1,
            "workspace_id": "acme",
            "deployment_id": "one",
            "skill_name": "skill",
            "skill_folder": "skill",
            "entrypoint": "main.py:run",
            "bundle": self.bundle,
            "python": Path(sys.executable),
            "inputs": {},
            "timeout_seconds": 20.0,
            "memory_bytes": 512 * 1024 * 1024,
        }
        return RunSpec(**{**fields, **changes})

    async def outcome(self, code: str | None = None, **changes: Any) -> Outcome:
        if code is not None:
            self.write(code)
        return await self.runner.run(self.spec(**changes), self.host)

    async def result(self, code: str | None = None, **changes: Any) -> dict[str, Any]:
        outcome = await self.outcome(code, **changes)
        assert isinstance(outcome, Succeeded), outcome
        return dict(outcome.result)

    async def failure(self, code: str | None = None, **changes: Any) -> Failed:
        outcome = await self.outcome(code, **changes)
        assert isinstance(outcome, Failed), outcome
        return outcome


async def until_gone(path: Path) -> None:
    """Wait until a folder is removed, which is done a moment after its run."""
    while path.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.005)
