"""Skills as tools of the Model Context Protocol, called with its own client library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from .conftest import Served, serving

pytestmark = pytest.mark.slow

SKILLS = {
    "greet": (
        "input_schema: {type: object, properties: {name: {type: text}}, required: [name]}\n"
        "output_schema: {type: object, properties: {message: {type: string}}}\n",
        "import puras\n"
        "def run(name):\n"
        "    puras.progress(0.5, 'half way')\n"
        "    puras.log('greeting')\n"
        "    return {'message': f'Hello {name}'}\n",
    ),
    "draw": (
        "output_schema: {type: object, properties: {picture: {type: image}}}\n",
        "import base64\n"
        "def run():\n"
        "    pixel = base64.b64encode(b'GIF89a' + bytes(30)).decode()\n"
        "    return {'picture': f'data:image/gif;base64,{pixel}'}\n",
    ),
    "fail": ("", "def run():\n    raise ValueError('out of tea')\n"),
    "sleep": ("", "import puras, time\ndef run():\n    puras.log('asleep')\n    time.sleep(60)\n"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("mcp")
    for name, (schemas, code) in SKILLS.items():
        folder = root / "bundle" / name
        folder.mkdir(parents=True)
        described = f"description: It can {name}.\nentrypoint: main.py:run\n{schemas}"
        (folder / "skill.yaml").write_text(described)
        (folder / "main.py").write_text(code)
    with serving(root / "home", "--dir", str(root / "bundle")) as served:
        yield served


@asynccontextmanager
async def connected(server: Served, key: str | None = None) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key or server.key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{server.base}/mcp", http_client=http)
        async with Client(transport) as client:
            yield client


def mint(server: Served, *options: str) -> str:
    made = server.puras("keys", "mint", "--name", "mcp", *options, "--output", "json")
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["key"])


def post(server: Served, body: Any, **headers: str) -> httpx2.Response:
    sent = {"Authorization": f"Bearer {server.key}", **headers}
    return httpx2.post(f"{server.base}/mcp", json=body, headers=sent, timeout=60)


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def jobs(server: Served) -> list[dict[str, Any]]:
    found = json.loads(server.puras("jobs", "--output", "json").stdout)
    assert isinstance(found, list)
    return found


async def test_every_skill_is_a_tool_with_its_schemas(server: Served) -> None:
    async with connected(server) as client:
        assert client.protocol_version == "2025-11-25"
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {f"local__{name}" for name in SKILLS}
    greet = tools["local__greet"]
    assert greet.description == "It can greet."
    assert greet.input_schema["properties"]["name"]["type"] == "string"
    assert greet.output_schema is not None
    assert greet.output_schema["required"] == ["message"]


async def test_a_call_gives_progress_and_then_structured_content(server: Served) -> None:
    told: list[tuple[float, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, message))

    async with connected(server) as client:
        result = await client.call_tool("local__greet", {"name": "Ada"}, progress_callback=progress)
    assert not result.is_error
    assert result.structured_content == {"message": "Hello Ada"}
    assert json.loads(result.content[0].text) == {"message": "Hello Ada"}  # type: ignore[union-attr]
    messages = [message for _, message in told]
    assert messages[0] == "queued"
    assert "50% half way" in messages
    assert "greeting" in messages
    assert [done for done, _ in told] == sorted({done for done, _ in told})


async def test_a_file_is_a_link_that_can_be_read(server: Served) -> None:
    async with connected(server) as client:
        result = await client.call_tool("local__draw", {})
    _, link = result.content
    assert (link.type, link.mime_type) == ("resource_link", "image/gif")
    assert result.structured_content == {"picture": str(link.uri)}
    assert httpx2.get(str(link.uri)).content.startswith(b"GIF89a")


async def test_a_job_that_fails_and_inputs_that_do_not_fit_are_errors_to_act_on(
    server: Served,
) -> None:
    async with connected(server) as client:
        failed = await client.call_tool("local__fail", {})
        refused = await client.call_tool("local__greet", {"name": 7})
    assert failed.is_error
    text = failed.content[0].text  # type: ignore[union-attr]
    assert text.startswith("function_error: ")
    assert "out of tea" in text
    assert jobs(server)[0]["id"] in text
    assert refused.is_error
    assert refused.content[0].text.startswith("invalid_inputs: ")  # type: ignore[union-attr]


async def test_a_tool_that_is_not_there_is_an_error_of_the_protocol(server: Served) -> None:
    async with connected(server) as client:
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("local__gone", {})


async def test_a_call_that_is_cancelled_cancels_its_job_and_no_other(server: Served) -> None:
    asleep = [asyncio.Event(), asyncio.Event()]

    async def call(client: Client, number: int) -> None:
        async def progress(done: float, total: float | None, message: str | None) -> None:
            if message == "asleep":
                asleep[number].set()

        await client.call_tool("local__sleep", {}, progress_callback=progress)

    async with connected(server) as one, connected(server) as other:
        calls = [asyncio.create_task(call(one, 0)), asyncio.create_task(call(other, 1))]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in asleep)), 60)
        running = [job["id"] for job in jobs(server) if job["status"] == "running"]
        assert len(running) == 2
        calls[0].cancel()
        await asyncio.gather(calls[0], return_exceptions=True)
        status = await asyncio.to_thread(_ended, server, running)
        assert sorted(status) == ["cancelled", "running"]
        calls[1].cancel()
        await asyncio.gather(calls[1], return_exceptions=True)
        await asyncio.to_thread(_ended, server, running, least=2)


def _ended(server: Served, job_ids: list[str], *, least: int = 1) -> list[str]:
    """Return the status of jobs once at least so many are over."""
    headers = {"Authorization": f"Bearer {server.key}"}
    while True:
        found = [
            httpx2.get(f"{server.base}/v1/jobs/{id}?wait=1", headers=headers).json()["status"]
            for id in job_ids
        ]
        if sum(status != "running" for status in found) >= least:
            return found


def test_hanging_up_cancels_nothing(server: Served) -> None:
    body = request("tools/call", name="local__sleep", arguments={}, _meta={"progressToken": 1})
    headers = {"Authorization": f"Bearer {server.key}", "Accept": "text/event-stream"}
    url = f"{server.base}/mcp"
    with httpx2.stream("POST", url, json=body, headers=headers, timeout=60) as response:
        for line in response.iter_lines():
            if "asleep" in line:
                break
    job = jobs(server)[0]
    assert job["status"] == "running"
    # Without a session as with one, the request's id finds the job again.
    gone = post(
        server,
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    )
    assert (gone.status_code, gone.content) == (202, b"")
    assert _ended(server, [job["id"]]) == ["cancelled"]


async def test_a_key_sees_and_calls_what_its_allowlist_has(server: Served) -> None:
    for kind in ([], ["--publishable"]):
        key = mint(server, *kind, "--skill", "local/greet")
        async with connected(server, key) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["local__greet"]
            result = await client.call_tool("local__greet", {"name": "Ada"})
            assert result.structured_content == {"message": "Hello Ada"}
            with pytest.raises(MCPError, match="unknown tool"):
                await client.call_tool("local__draw", {})


def test_without_a_key_or_from_another_origin_nothing_is_answered(server: Served) -> None:
    ping = request("ping")
    assert post(server, ping, Authorization="Bearer nobody").status_code == 401
    key = mint(server, "--publishable", "--origin", "https://app.example")
    headers = {"Authorization": f"Bearer {key}"}
    assert post(server, ping, **headers, Origin="https://evil.example").status_code == 403
    assert post(server, ping, **headers, Origin="https://app.example").json()["result"] == {}


def test_there_is_nothing_to_get_and_no_session_to_delete(server: Served) -> None:
    headers = {"Authorization": f"Bearer {server.key}"}
    for method in ("GET", "DELETE"):
        answer = httpx2.request(method, f"{server.base}/mcp", headers=headers)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("asked", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_version_that_is_spoken_here_is_agreed_on(server: Served, asked: str) -> None:
    answer = post(server, request("initialize", protocolVersion=asked, capabilities={}))
    assert answer.json()["result"]["protocolVersion"] == asked
    assert answer.headers["mcp-session-id"]


def test_another_version_is_answered_with_those_that_are(server: Served) -> None:
    offered = post(server, request("initialize", protocolVersion="1999-01-01", capabilities={}))
    assert offered.json()["result"]["protocolVersion"] == "2025-11-25"
    refused = post(server, request("ping"), **{"MCP-Protocol-Version": "1999-01-01"})
    assert refused.status_code == 400
    assert "2025-11-25" in refused.json()["error"]["data"]["supported"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, -32601),
        (request("tools/call", arguments={}), -32602),
    ],
)
def test_what_is_no_message_or_no_method_is_an_error_of_the_protocol(
    server: Served, body: Any, code: int
) -> None:
    assert post(server, body).json()["error"]["code"] == code


def test_a_client_that_takes_no_stream_gets_the_result_as_json(server: Served) -> None:
    body = request("tools/call", name="local__greet", arguments={"name": "Ada"})
    answer = post(server, body, Accept="application/json")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["result"]["structuredContent"] == {"message": "Hello Ada"}
