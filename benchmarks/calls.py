"""The contestants that live in our own environment: `sdk`, `http`, `echo`, and `post` for peers
that need no client of their own.

python calls.py sdk|http <url> <key> <skill>
python calls.py echo <url>
python calls.py post <url> <body> <what the answer has>
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from contestant import Call, compete


def by_sdk(url: str, key: str, skill: str) -> Callable[[], Call]:
    """Submit and wait with the client, as an application does."""
    from puras import Puras

    def connect() -> Call:
        client = Puras(key, "bench", api_base=url)
        return lambda: client.run(skill, {})

    return connect


def by_http(url: str, key: str, skill: str) -> Callable[[], Call]:
    """Submit and wait in one request, with the least that a client can do."""
    body = json.dumps({"skill": f"bench/{skill}", "inputs": {}}).encode()

    def check(answer: Any) -> None:
        assert answer["status"] == "succeeded", answer

    return _poster(url, "/v1/jobs?wait=true", body=body, key=key, check=check)


def by_echo(url: str) -> Callable[[], Call]:
    """Post the same body to a server that does nothing with it."""
    body = json.dumps({"skill": "bench/fresh", "inputs": {}}).encode()
    return _poster(url, "/echo", body=body, key="", check=lambda answer: None)


def by_post(url: str, body: str, expected: str) -> Callable[[], Call]:
    """Post a body to a peer, whose answer has to have what is expected, or else to be empty."""
    has = json.loads(expected)

    def check(answer: Any) -> None:
        assert has.items() <= answer.items() if has else answer == {}, answer

    return _poster(url, urlsplit(url).path, body=body.encode(), key="", check=check)


def _poster(
    url: str, path: str, *, body: bytes, key: str, check: Callable[[Any], None]
) -> Callable[[], Call]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def connect() -> Call:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)

        def post() -> bytes:
            status: int = HTTPStatus.CONFLICT
            while status == HTTPStatus.CONFLICT:  # what Cog says while no place is free
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                said, status = answer.read(), answer.status
            assert status < 300, said
            return said

        def call() -> None:
            try:
                answer = post()
            except ConnectionError:  # the server closed it while another side was called
                connection.close()
                answer = post()
            check(json.loads(answer))

        return call

    return connect


if __name__ == "__main__":
    kind, *arguments = sys.argv[1:]
    compete({"sdk": by_sdk, "http": by_http, "echo": by_echo, "post": by_post}[kind](*arguments))
