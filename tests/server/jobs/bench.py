"""A whole server in this process, with skills written for one test, and the calls on their jobs."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import textwrap
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from puras.server.app import create_app
from puras.server.db.queries import Query
from puras.server.platform import Platform

from ..support import Minted, Server, make_workspace, mint, open_server


@dataclass(frozen=True)
class Skill:
    """A function skill; `code` defines `run`. `more` goes into its skill.yaml as it is."""

    name: str
    code: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        folder = self.name.replace("/", "/subskills/")
        described = {
            "description": f"It can {self.name}.",
            "entrypoint": "main.py:run",
            "input_schema": {"type": "object", "properties": dict(self.properties)},
            **self.more,
        }
        code = textwrap.dedent(self.code)
        return {f"{folder}/skill.yaml": json.dumps(described), f"{folder}/main.py": code}


@dataclass(frozen=True)
class Agent:
    """An agentic skill; `text` is its SKILL.md, `beside` are further files of its folder, and
    `more` goes into its skill.yaml as it is."""

    name: str
    text: str
    more: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        folder = self.name.replace("/", "/subskills/")
        described = {
            "description": f"It can {self.name}.",
            "entrypoint": "SKILL.md",
            "output_schema": {"type": "object", "properties": {"answer": {"type": "text"}}},
            **self.more,
        }
        files = {"skill.yaml": json.dumps(described), "SKILL.md": self.text, **self.beside}
        return {f"{folder}/{name}": textwrap.dedent(text) for name, text in files.items()}


ECHO = Skill("echo", "def run(**inputs):\n    return inputs\n")


@dataclass(frozen=True)
class Bench:
    """Calls a server as its first key, or with other headers."""

    platform: Platform
    client: httpx2.AsyncClient

    async def deploy(
        self,
        *skills: Skill | Agent,
        slug: str = "pack",
        public: bool = False,
        headers: Mapping[str, str] | None = None,
        **form: str,
    ) -> dict[str, Any]:
        """Deploy skills as the next version of a skillpack, which is made at need."""
        body = {"name": slug, "slug": slug, "public": public}
        made = await self.client.post("/v1/skillpacks", json=body, headers=headers)
        assert made.status_code in {201, 409}, made.text
        answer = await self.client.post(
            f"/v1/skillpacks/{slug}/deployments",
            files={"bundle": ("bundle.zip", _archive(skills))},
            data=form,
            headers=headers,
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def submit(
        self,
        skill: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> httpx2.Response:
        path = skill if "/" in skill else f"pack/{skill}"
        return await self.client.post(
            "/v1/jobs",
            params=query,
            json={"skill": path, "inputs": dict(inputs or {})},
            headers=headers,
        )

    async def begin(self, skill: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Submit a job that is accepted and return its id."""
        answer = await self.submit(skill, inputs, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def run(
        self, skill: str, inputs: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Submit a job, wait for its end and return it."""
        answer = await self.submit(skill, inputs, wait="true", **more)
        assert answer.status_code == 201, answer.text
        job = dict(answer.json())
        if not job["finished_at"]:  # a slow machine gets a second minute
            job = await self.get(job["id"], wait=50)
        assert job["finished_at"], f"the job was not over in time: {job}"
        return job

    async def get(self, job_id: str, **query: Any) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/jobs/{job_id}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until_idle(self) -> None:
        """Return once no run goes on here."""
        worker = self.platform.worker
        assert worker is not None
        async with asyncio.timeout(20):
            while worker.running():
                await self.platform.queue.wait(0.05)

    async def until_logged(self, job_id: str, message: str) -> None:
        """Return once a line of a job's log begins with a message."""
        with self.platform.hub.watch(job_id) as watch:
            while not any(
                event["type"] == "log" and event["payload"]["message"].startswith(message)
                for event in await self.events(job_id)
            ):
                assert await watch.wait(20), f"{message!r} was never logged"

    async def events(
        self, job_id: str, *, headers: Mapping[str, str] | None = None, **query: Any
    ) -> list[dict[str, Any]]:
        query.setdefault("limit", 10_000)
        answer = await self.client.get(f"/v1/jobs/{job_id}/events", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def children(self, job_id: str) -> list[dict[str, Any]]:
        """Return a job's children, oldest first."""
        jobs = (await self.client.get("/v1/jobs", params={"limit": 200})).json()
        return [job for job in reversed(jobs) if job["parent_job_id"] == job_id]

    async def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Read the database itself."""
        rows = await self.platform.db.read(lambda tx: tx.all(Query("test", sql), **parameters))
        return [dict(row) for row in rows]

    async def alter(self, sql: str, **parameters: Any) -> None:
        await self.platform.db.write(lambda tx: tx.run(Query("test", sql), **parameters))

    async def workspace_id(self) -> str:
        (row,) = await self.rows("SELECT id FROM workspaces WHERE slug = 'local'")
        return str(row["id"])

    async def mint(self, **more: Any) -> Minted:
        """Mint a key of the server's own workspace."""
        return await mint(self.platform, await self.workspace_id(), **more)

    async def stranger(self, slug: str = "other", **more: Any) -> Minted:
        """Make another workspace and a key to it."""
        return await mint(self.platform, await make_workspace(self.platform, slug), **more)


@asynccontextmanager
async def open_bench(home: Path, **settings: Any) -> AsyncIterator[Bench]:
    async with open_server(home, grace=0.1, **settings) as server:
        yield _bench(server)


def _bench(server: Server) -> Bench:
    return Bench(server.platform, server.client)


@asynccontextmanager
async def listening(platform: Platform) -> AsyncIterator[str]:
    """Listen on a real socket, for what needs a line that lasts; gives the base URL."""
    app = create_app(platform)
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            await app.close()


def _archive(skills: tuple[Skill | Agent, ...]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for skill in skills:
            for name, text in skill.files().items():
                archive.writestr(name, text)
    return out.getvalue()
