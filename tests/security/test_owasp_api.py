"""The OWASP API Security Top 10 of 2023, each item as something that somebody tries.

What is tried elsewhere is only named here: every kind of key on every operation, and another
workspace's key on every thing, in `tests/server/test_matrix.py`; guessing keys in
`test_guessing.py`; fetched URLs in `test_ssrf.py`; runs in `test_escapes.py`.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from puras.server.app import ROUTES
from puras.server.fetch import Fetcher
from puras.server.keys.fences import Fences
from puras.server.media.providers import calling
from puras.server.media.providers.calling import Provided
from puras.server.media.providers.fal import FalProvider
from puras.server.media.providers.port import MediaFailed
from puras.server.openapi import document

from ..server.media.support import adapted, order
from ..server.support import Server, make_skillpack, make_workspace, mint, problem

CONTRACT = Path(__file__).parents[2] / "contract" / "openapi.json"
SKILL = """
description: Says hello
entrypoint: main.py:main
input_schema:
  type: object
  properties: {name: {type: string, pattern: '^(a+)+$|^token$'}, file: {type: file}}
"""
CODE = """
import os, time

def main(name="x", file=None):
    if name == "token":
        print(os.environ["PURAS_JOB_TOKEN"], flush=True)
        time.sleep(60)
    if name == "aa":
        raise ValueError("an inner secret of the author")
    return {"hello": name}
"""


READS = """
from puras import load_bytes

def main(file, name="x"):
    return {"bytes": len(load_bytes(file))}
"""


async def deploy(server: Server) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("greet/skill.yaml", SKILL)
        archive.writestr("greet/main.py", CODE)
    made = await server.client.post("/v1/skillpacks", json={"name": "Pack", "slug": "pack"})
    assert made.status_code == 201, made.text
    deployed = await server.client.post(
        "/v1/skillpacks/pack/deployments", files={"bundle": ("b.zip", packed.getvalue())}
    )
    assert deployed.status_code == 201, deployed.text


async def submit(server: Server, **inputs: Any) -> httpx2.Response:
    body = {"skill": "pack/greet", "inputs": inputs}
    return await server.client.post("/v1/jobs?wait=true", json=body)


# API1 Broken object level authorization


async def test_api1_things_named_in_bodies_and_queries_must_be_one_s_own(server: Server) -> None:
    platform = server.platform
    other = await make_workspace(platform, "other")
    await make_skillpack(platform, other, "theirs", skills=["greet"])
    await deploy(server)
    stranger = await mint(platform, other)
    upload = await server.client.post(
        "/v1/drive/upload", files={"file": ("a.txt", b"mine")}, data={"path": "a.txt"}
    )
    job = (await submit(server)).json()
    headers, client = stranger.headers, server.client
    mine = upload.json()["drive_path"]
    tried: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/v1/drive/sign", {"path": mine}),
        ("POST", "/v1/drive/sign", {"path": f"../{job['workspace_id']}/{mine}"}),
        ("POST", "/v1/drive/sign", {"path": f"{job['workspace_id']}/{mine}"}),
        ("POST", "/v1/jobs", {"skill": "local/pack/greet"}),
        ("POST", f"/v1/jobs?skillpack_id={job['skillpack_id']}", {"skill": "greet"}),
        ("POST", f"/v1/jobs/{job['id']}/replay", None),
        ("POST", "/v1/budgets", BUDGET | {"skillpack": job["skillpack_id"]}),
        ("POST", "/v1/keys", {"name": "k", "kind": "secret", "skills": ["local/pack/greet"]}),
        ("POST", f"/v1/skillpacks/{job['skillpack_id']}/evals", {"skill": "greet"}),
    ]
    for method, path, body in tried:
        answer = await client.request(method, path, headers=headers, json=body)
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert mine not in answer.text.replace(str(body), "") or "sign" in path
    page = await client.get(f"/v1/jobs?before={job['id']}", headers=headers)
    assert page.json() == []


BUDGET: dict[str, Any] = {"scope": "skillpack", "window": "day", "limit_usd": 5}


# API2 Broken authentication


async def test_api2_a_key_counts_in_one_place_only(server: Server) -> None:
    key = server.client.headers.pop("Authorization").removeprefix("Bearer ")
    everywhere: list[tuple[str, dict[str, str]]] = [
        (f"?api_key={key}&key={key}&access_token={key}", {}),
        ("", {"Cookie": f"puras_session={key}; Authorization={key}"}),
        ("", {"X-Api-Key": key, "X-Authorization": f"Bearer {key}"}),
        ("", {"Authorization": f"Basic {key}"}),
        ("", {"Authorization": key}),
        ("", {"Authorization": f"Bearer {key[:-1]}"}),
        ("", {"Authorization": f"Bearer {key.replace('live', 'pub')}"}),
        ("", {"Authorization": f"Bearer {key.swapcase()}"}),
    ]
    said = set()
    for query, headers in everywhere:
        answer = await server.client.get(f"/v1/billing/balance{query}", headers=headers)
        assert problem(answer) == (401, "invalid_api_key"), headers
        said.add(answer.json()["detail"])
    assert len(said) == 1


async def test_api2_the_token_of_a_run_is_no_key(server: Server) -> None:
    await deploy(server)
    body = {"skill": "pack/greet", "inputs": {"name": "token"}}
    job = (await server.client.post("/v1/jobs", json=body)).json()
    place = f"/v1/jobs/{job['id']}"
    said: list[str] = []
    while not said:
        events = (await server.client.get(f"{place}/events")).json()
        said = [event["payload"]["message"] for event in events if event["type"] == "log"]
        await asyncio.sleep(0.05)
    headers = {"Authorization": f"Bearer {said[0]}"}
    for path in ("/v1/billing/balance", place, f"{place}/events"):
        assert problem(await server.client.get(path, headers=headers))[0] == 401
    cancelled = await server.client.post(f"{place}/cancel")
    assert cancelled.json()["status"] == "cancelled"


# API3 Broken object property level authorization


async def test_api3_fields_that_are_the_server_s_can_not_be_set(server: Server) -> None:
    await deploy(server)
    forged = {
        "status": "succeeded",
        "cost_micros": -5,
        "key_id": "x",
        "workspace_id": "x",
        "attempt": 9,
        "result": {"forged": True},
        "priority": 1,
        "parent_job_id": "x",
    }
    body = {"skill": "pack/greet", "inputs": {"name": "a"}, **forged}
    job = (await server.client.post("/v1/jobs?wait=true", json=body)).json()
    assert job["result"] == {"hello": "a"}
    assert {name: job[name] for name in forged if job.get(name) == forged[name]} in ({}, STATUS)
    for method, path in [("POST", "/v1/keys"), ("POST", "/v1/skillpacks"), ("POST", "/v1/budgets")]:
        fields = {"name": "n", "kind": "secret", "skills": "all", "workspace_id": "x", "id": "x"}
        answer = await server.client.request(method, path, json=fields)
        assert problem(answer) == (422, "unknown_field"), path


STATUS = {"status": "succeeded"}


async def test_api3_nobody_is_shown_more_than_is_for_them(server: Server) -> None:
    await deploy(server)
    made = await server.client.post(
        "/v1/keys", json={"name": "page", "kind": "publishable", "skills": "all"}
    )
    secret = made.json()["key"].partition(".")[2]
    listed = (await server.client.get("/v1/keys")).text
    assert secret not in listed
    assert "hash" not in listed
    page = {"Authorization": f"Bearer {made.json()['key']}"}
    body = {"skill": "pack/greet", "inputs": {"name": "aa"}}
    job = await server.client.post("/v1/jobs?wait=true", json=body, headers=page)
    assert job.json()["error_code"] == "function_error"
    events = await server.client.get(f"/v1/jobs/{job.json()['id']}/events", headers=page)
    assert "inner secret" not in job.text + events.text


# API4 Unrestricted resource consumption


async def test_api4_what_is_too_much_is_refused_at_once(server: Server) -> None:
    await deploy(server)
    client = server.client
    sent = [
        (b'{"skill": "' + b"x" * (11 << 20) + b'"}', 413, "too_large"),
        (b'{"skill": "pack/greet", "inputs": ' + b'{"a":' * 50_000 + b"}" * 50_001, 400, "json"),
        (b"[" * 1_000_000, 400, "json"),
        (b'{"skill": "pack/greet", "inputs": {"name": 1e400}}', 400, "in"),
    ]
    begun = time.monotonic()
    for content, status, code in sent:
        answer = await client.post("/v1/jobs", content=content)
        assert answer.status_code == status, answer.text[:300]
        assert code in answer.json()["code"]
    hard = {"skill": "pack/greet", "inputs": {"name": "a" * 200_000 + "!"}}
    answer = await client.post("/v1/jobs", json=hard)
    assert problem(answer) == (400, "invalid_inputs")
    assert len(answer.content) < 20_000
    assert time.monotonic() - begun < 30
    listed = await client.get("/v1/jobs?limit=1000000000")
    assert listed.status_code == 200
    endless = await client.get(f"/v1/jobs/{new_job(await submit(server))}?wait=999999")
    assert endless.status_code == 200


def new_job(answer: httpx2.Response) -> str:
    return str(answer.json()["id"])


# API5 Broken function level authorization


async def test_api5_no_spelling_of_a_path_or_method_reaches_more(server: Server) -> None:
    platform = server.platform
    page = await mint(platform, await make_workspace(platform, "shop"), kind="publishable")
    for path in [
        *("/v1//keys", "/v1/./keys", "/v1/jobs/../keys", "/v1/%2e%2e/v1/keys", "/V1/keys"),
        *("/v1/keys/", "/v1/keys;a=b", "/v1/keys%00", "/v1/keys%2f", "/v1/keys\\", "/v1/admin"),
        *("/admin", "/v1/workspaces", "/metrics/../v1/keys", "//v1/keys"),
    ]:
        answer = await send_raw(server.client, "GET", path, page.headers)
        assert answer.status_code in {401, 403, 404, 405}, (path, answer.text)
    overrides = {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/v1/keys"}
    answer = await server.client.get("/v1/billing/balance", headers={**page.headers, **overrides})
    assert problem(answer) == (403, "key_kind_not_allowed")
    for method in ("TRACE", "CONNECT", "PROPFIND", "get", "FOO"):
        answer = await server.client.request(method, "/v1/keys", headers=page.headers)
        assert answer.status_code in {401, 403, 404, 405}, method


async def send_raw(
    client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> httpx2.Response:
    """Send a path as it is written: clients would tidy it."""
    url = httpx2.URL(scheme="http", host="puras.test", raw_path=path.encode())
    return await client.request(method, url, headers=headers)


# API6 Unrestricted access to sensitive business flows


async def test_api6_a_hundred_at_once_get_no_more_than_one_after_the_other(server: Server) -> None:
    await deploy(server)
    platform = server.platform
    workspace = (await server.client.get("/v1/billing/balance")).json()["workspace_id"]
    key = await mint(platform, workspace, fences=Fences(rate_per_minute=5))
    body = {"skill": "pack/greet", "inputs": {}}
    answers = await asyncio.gather(
        *(server.client.post("/v1/jobs", json=body, headers=key.headers) for _ in range(100))
    )
    codes = [answer.status_code for answer in answers]
    # A minute may end meanwhile.
    assert codes.count(201) in {5, 10}
    assert codes.count(429) == 100 - codes.count(201)
    once = {"Idempotency-Key": "one"}
    same = await asyncio.gather(
        *(server.client.post("/v1/jobs", json=body, headers=once) for _ in range(20))
    )
    assert len({answer.json()["id"] for answer in same if answer.status_code == 201}) == 1


# API7 Server side request forgery


async def test_api7_inputs_lead_the_server_nowhere_inside(server: Server) -> None:
    """Every trick in every place is in `test_ssrf.py`; here, a whole server is asked."""
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    inside = await asyncio.start_server(note, "127.0.0.1", 0)
    port = inside.sockets[0].getsockname()[1]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("read/skill.yaml", SKILL)
        archive.writestr("read/main.py", READS)
    await server.client.post("/v1/skillpacks", json={"name": "Read", "slug": "read"})
    deployed = await server.client.post(
        "/v1/skillpacks/read/deployments", files={"bundle": ("b.zip", packed.getvalue())}
    )
    assert deployed.status_code == 201, deployed.text
    body = {"skill": "read/read", "inputs": {"file": f"http://localhost:{port}/v1/keys"}}
    async with inside:
        answer = await server.client.post("/v1/jobs?wait=true", json=body)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["status"] == "failed"
    assert "is not public" in job["error"]
    assert asked == []


# API8 Security misconfiguration


async def test_api8_answers_give_away_nothing_and_invite_nobody(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("postgresql://user:password@inside/db")

    monkeypatch.setattr(type(server.platform.db), "read", broken)
    with structlog.testing.capture_logs():
        answers = [
            await server.client.get(path)
            for path in ("/v1/keys", "/v1/nothing", "/session", "/health")
        ]
    assert problem(answers[0]) == (500, "internal_error")
    for answer in answers:
        assert "password" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not {"server", "x-powered-by", "set-cookie"} & answer.headers.keys()
        assert "access-control-allow-credentials" not in answer.headers
    assert answers[0].headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in answers[2].headers


# API9 Improper inventory management


def test_api9_what_is_served_is_what_the_contract_lists() -> None:
    """A route that no key was tried on fails `test_matrix.py`."""
    written = json.loads(CONTRACT.read_text())["paths"]
    served = document(endpoint for routes in ROUTES for endpoint in routes.endpoints)["paths"]
    listed = {(method, path) for path, methods in written.items() for method in methods}
    assert listed == {(method, path) for path, methods in served.items() for method in methods}
    assert all(path in OUTSIDE or path.startswith("/v1/") for _, path in listed)


OUTSIDE = {
    *("/", "/health", "/ready", "/metrics", "/mcp"),
    *("/session", "/session/token", "/session/{session_id}"),
}


# API10 Unsafe consumption of APIs


Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


def says(head: str, body: bytes = b"", *, status: str = "200 OK") -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return script


def repeats(head: str, chunk: bytes, *, pause: float = 0.0) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\nConnection: close\r\n\r\n".encode())
        while not writer.is_closing():
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)

    return script


JSON = "Content-Type: application/json"
EVIL: dict[str, tuple[Script, str]] = {
    "no end": (repeats(JSON, b" " * 65_536), "over"),
    "a drop now and then": (repeats(JSON, b" ", pause=0.05), "did not end"),
    "a bomb": (says(f"{JSON}\r\nContent-Encoding: gzip", gzip.compress(bytes(50 << 20))), "over"),
    "a lie about its size": (says("Content-Length: 99999999999", b"{}"), "broke off"),
    "a redirect inside": (
        says("Location: http://169.254.169.254/latest\r\nContent-Length: 0", status="302 Found"),
        "302",
    ),
    "a list": (says(JSON, b"[1, 2]"), "no JSON object"),
    "a number": (says(JSON, b"7"), "no JSON object"),
    "text": (says("Content-Type: text/html", b"<html>"), "no JSON object"),
    "nesting": (says(JSON, b"[" * 200_000), "no JSON object"),
    "nothing": (says(JSON, b""), "no JSON object"),
    "no HTTP": (says("\r\n", status="x" * 70_000), "broke off"),
    "the key": (says(JSON, b'{"detail": "you sent KEY-KEY-KEY"}', status="400 x"), "••••"),
    "a place of somebody else": (
        says(JSON, b'{"request_id":"1","status_url":"http://evil.test/","response_url":"x"}'),
        "not its own",
    ),
    "types that are wrong": (
        says(JSON, b'{"request_id":{},"status_url":[1],"response_url":7}'),
        "not its own",
    ),
}


@asynccontextmanager
async def provider(script: Script) -> AsyncIterator[str]:
    serving: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await script(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.ensure_future(answer(reader, writer)))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    listener.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


@pytest.mark.parametrize("name", EVIL)
async def test_api10_an_evil_provider_costs_one_call_and_no_more(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(calling, "LONGEST_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(calling, "TRIES", 1)
    script, said = EVIL[name]

    async def nothing_of_ours(url: str) -> Path | None:
        return None

    fetcher = Fetcher(allow_private=False, own_prefixes=(), open_own=nothing_of_ours)
    async with provider(script) as base:
        provided = Provided("fal", base, {"Authorization": "Key KEY-KEY-KEY"}, "KEY-KEY-KEY")
        asked = FalProvider(replace(provided, most_bytes=10 << 20), fetcher)
        with pytest.raises(MediaFailed) as failed:
            await asked.make(order(adapted("generate_image", slug="bfl/flux-schnell", prompt="x")))
    assert said in str(failed.value)
    assert "KEY-KEY-KEY" not in str(failed.value)
