"""A client of the Model Context Protocol, made from the settings that a person pastes.

mcp_client.py SETTINGS TOOL ARGUMENTS      prints what the tool answers
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(settings: str, tool: str, arguments: str) -> None:
    (server,) = json.loads(settings)["mcpServers"].values()
    assert server["type"] == "http"
    async with (
        httpx2.AsyncClient(headers=server["headers"]) as http,
        Client(streamable_http_client(server["url"], http_client=http)) as client,
    ):
        answer = await client.call_tool(tool, json.loads(arguments))
        print(json.dumps(answer.model_dump(mode="json")))


asyncio.run(main(*sys.argv[1:]))
