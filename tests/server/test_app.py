from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

from puras.server.db.database import Transaction
from puras.server.db.queries import Query

from .support import open_server, problem

SKILL = """
description: Greets
entrypoint: main.py:greet
input_schema: {type: object, properties: {name: {type: string}}, required: [name]}
"""
CODE = "def greet(name):\n    return {'greeting': f'Hello {name}'}\n"


def bundle(code: str = CODE) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("greet/skill.yaml", SKILL)
        archive.writestr("greet/main.py", code)
    return packed.getvalue()


async def test_a_folder_becomes_a_skill_that_anyone_with_the_key_can_call(tmp_path: Path) -> None:
    async with open_server(tmp_path) as server:
        client = server.client
        assert (await client.get("/ready")).status_code == 200
        made = await client.post("/v1/skillpacks", json={"name": "Demo", "slug": "demo"})
        assert made.status_code == 201
        deployed = await client.post(
            "/v1/skillpacks/local%2Fdemo/deployments", files={"bundle": ("b.zip", bundle())}
        )
        assert deployed.status_code == 201, deployed.text
        job = await client.post(
            "/v1/jobs?wait=true", json={"skill": "demo/greet", "inputs": {"name": "Ada"}}
        )
        assert job.json()["status"] == "succeeded", job.text
        assert job.json()["result"] == {"greeting": "Hello Ada"}
        wrong = await client.post("/v1/jobs", json={"skill": "demo/greet", "inputs": {"name": 1}})
        assert problem(wrong) == (400, "invalid_inputs")


async def test_a_full_disk_is_told_as_such_and_everything_goes_on_when_it_is_mended(
    tmp_path: Path,
) -> None:
    async def allow(tx: Transaction, pages: int) -> None:
        await tx.one(Query("limit", f"PRAGMA max_page_count={pages}"))

    async with open_server(tmp_path) as server:
        before = await server.client.get("/v1/billing/balance")
        await server.platform.db.write(lambda tx: allow(tx, 1))
        full = [
            await server.client.post(
                "/v1/skillpacks", json={"name": "n", "slug": f"s{n}", "description": "x" * 9000}
            )
            for n in range(3)
        ]
        assert problem(full[-1]) == (503, "not_ready")
        assert full[-1].headers["retry-after"] == "2"
        assert (await server.client.get("/v1/billing/balance")).json() == before.json()
        await server.platform.db.write(lambda tx: allow(tx, 1_000_000))
        mended = await server.client.post("/v1/skillpacks", json={"name": "n", "slug": "mended"})
        assert mended.status_code == 201


async def test_a_run_that_ends_while_the_disk_is_full_is_concluded_once_it_is_not(
    tmp_path: Path,
) -> None:
    async def allow(tx: Transaction, pages: int) -> None:
        await tx.one(Query("limit", f"PRAGMA max_page_count={pages}"))

    code = "import time\ndef greet(name):\n    time.sleep(0.3)\n    return {'x': 'y' * 200_000}\n"
    async with open_server(tmp_path) as server:
        await server.client.post("/v1/skillpacks", json={"name": "Demo", "slug": "demo"})
        files = {"bundle": ("b.zip", bundle(code))}
        await server.client.post("/v1/skillpacks/demo/deployments", files=files)
        sent = {"skill": "demo/greet", "inputs": {"name": "Ada"}}
        job = (await server.client.post("/v1/jobs", json=sent)).json()
        assert server.platform.worker is not None
        while job["id"] not in server.platform.worker.running():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await server.platform.db.write(lambda tx: allow(tx, 1))
        await asyncio.sleep(0.8)
        assert (await server.client.get(f"/v1/jobs/{job['id']}")).json()["status"] == "running"
        await server.platform.db.write(lambda tx: allow(tx, 1_000_000))
        done = (await server.client.get(f"/v1/jobs/{job['id']}?wait=20")).json()
        assert (done["status"], done["attempt"]) == ("succeeded", 1)
