from __future__ import annotations

import io
import zipfile
from pathlib import Path

from puras.server.db.database import Transaction
from puras.server.db.queries import Query

from .support import ON_SQLITE, open_server, problem

SKILL = """
description: Greets
entrypoint: main.py:greet
input_schema: {type: object, properties: {name: {type: string}}, required: [name]}
"""
CODE = "def greet(name):\n    return {'greeting': f'Hello {name}'}\n"


def bundle() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("greet/skill.yaml", SKILL)
        archive.writestr("greet/main.py", CODE)
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


@ON_SQLITE
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
