"""A platform, a client to it, and bundles as archives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from puras.server.deployments.routes import routes
from puras.server.platform import Platform
from puras.server.skillpacks.routes import routes as skillpack_routes

from ..support import Minted, make_workspace, mint, open_platform, serving

SKILL = """\
description: Says hello.
entrypoint: main.py:hello
input_schema:
  type: object
  properties: {name: {type: string}}
"""
CODE = "def hello(name='you'):\n    return {'text': name}\n"


def bundle(files: dict[str, str | bytes] | None = None, *, note: str = "") -> bytes:
    """Return an archive of one good skill `hello`, or of these files."""
    found: dict[str, str | bytes] = {"hello/skill.yaml": SKILL, "hello/main.py": CODE + f"# {note}"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in (found if files is None else files).items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes, skillpack_routes) as opened:
        yield opened


@pytest.fixture
async def workspace(platform: Platform) -> str:
    return await make_workspace(platform)


@pytest.fixture
async def key(platform: Platform, workspace: str) -> Minted:
    return await mint(platform, workspace)


@pytest.fixture
async def pack(client: httpx2.AsyncClient, key: Minted) -> str:
    """The slug of a skillpack with nothing deployed."""
    body = {"name": "Tools", "slug": "tools"}
    answer = await client.post("/v1/skillpacks", json=body, headers=key.headers)
    assert answer.status_code == 201
    return "tools"
