from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import httpx2
import pytest
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from puras.server import health, parameters
from puras.server.caller import Power
from puras.server.db.migrate import latest
from puras.server.db.queries import Query
from puras.server.endpoint import Call, Reply, Routes
from puras.server.envelope import error_response
from puras.server.http import Http, routed_path
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.wire import MAX_REQUEST_BYTES

from .support import Minted, make_workspace, mint, open_platform, problem, serving

routes = Routes("thing")
BURST = "burst: the secret is s3cr3t"


class ThingBody(TypedDict):
    name: str
    count: NotRequired[int | None]
    tags: NotRequired[list[str]]
    extra: NotRequired[dict[str, Any]]


@routes.post("/v1/things", needs=Power.PUBLISHABLE, body=ThingBody, status=201)
async def post_thing(call: Call) -> Reply:
    """Take a thing."""
    return Reply(call.body)


@routes.patch("/v1/things", needs=Power.FULL, body=ThingBody, strict=True)
async def patch_thing(call: Call) -> Reply:
    """Take a thing strictly."""
    return Reply(call.body)


@routes.get("/v1/things", needs=None)
async def list_things(call: Call) -> Reply:
    """Count down from a hundred."""
    asked = parameters.page(call)
    things = [{"id": f"00000000-0000-7000-8000-{number:012}"} for number in range(100, 0, -1)]
    older = [thing for thing in things if asked.before is None or thing["id"] < asked.before]
    return parameters.page_reply(call, older[: asked.limit + 1], limit=asked.limit)


@routes.get("/v1/things/special", needs=None)
async def special(call: Call) -> Reply:
    """Answer the literal path."""
    return Reply("special")


@routes.get("/v1/things/{thing:path}", needs=None)
async def any_thing(call: Call) -> Reply:
    """Answer what is left."""
    return Reply(call.path["thing"])


@routes.get("/v1/packs/{ref}/parts/{part}", needs=None)
async def part(call: Call) -> Reply:
    """Answer two segments."""
    return Reply([call.path["ref"], call.path["part"]])


@routes.delete("/v1/packs/{ref}/parts/{part}", needs=None, status=204)
async def remove_part(call: Call) -> Reply:
    """Answer nothing."""
    return Reply(None)


@routes.get("/v1/wait", needs=None)
async def wait(call: Call) -> Reply:
    """Say how long it would wait."""
    return Reply([parameters.wait_seconds(call), parameters.submit_wait_seconds(call)])


@routes.get("/v1/numbers", needs=None)
async def numbers(call: Call) -> Reply:
    """Read whole numbers."""
    after = parameters.integer(call, "after", default=0, most=1000)
    return Reply([after, parameters.whole_or_none(call, "version")])


@routes.get("/v1/refuse", needs=None)
async def refuse(call: Call) -> Reply:
    """Refuse."""
    raise Refused("rate_limited", "try again in a moment", retry_after=7)


@routes.get("/v1/burst", needs=None)
async def burst(call: Call) -> Reply:
    """Fail."""
    raise RuntimeError(BURST)


@routes.get("/v1/broken-stream", needs=None, media="text/event-stream")
async def broken_stream(call: Call) -> StreamingResponse:
    """Fail after the head."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        raise RuntimeError(BURST)

    return StreamingResponse(chunks(), media_type="text/event-stream")


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with open_platform(tmp_path, public_url="https://puras.example") as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(platform, routes, health.routes) as client:
        yield client


@pytest.fixture
async def key(platform: Platform) -> Minted:
    return await mint(platform, await make_workspace(platform))


async def test_every_answer_has_a_request_id(client: httpx2.AsyncClient) -> None:
    for path in ("/health", "/v1/burst", "/v1/refuse", "/nowhere", "/v1/things/special"):
        assert len((await client.get(path)).headers["x-request-id"]) == 36


@pytest.mark.parametrize("given", ["mine-1", "a b~!", "x" * 128])
async def test_the_callers_own_request_id_is_kept(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/v1/refuse", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] == given
    assert response.json()["request_id"] == given


@pytest.mark.parametrize("given", [b"", b"x" * 129, b"caf\xe9", b"a\tb"])
async def test_a_request_id_that_is_long_or_not_printable_is_replaced(
    client: httpx2.AsyncClient, given: bytes
) -> None:
    response = await client.get("/v1/refuse", headers=[(b"X-Request-Id", given)])
    assert len(response.headers["x-request-id"]) == 36


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/things", 200),
        ("/v1/burst", 500),
        ("/v1/refuse", 429),
        ("/v1/nowhere", 404),
        ("/v1", 404),
    ],
)
async def test_cors_is_open_on_every_answer_below_v1(
    client: httpx2.AsyncClient, path: str, status: int
) -> None:
    response = await client.get(path, headers={"Origin": "https://anywhere.example"})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-expose-headers"] == (
        "X-Request-Id, Retry-After, Idempotent-Replayed, Puras-Idempotency"
    )
    assert response.headers["puras-idempotency"] == "1"


async def test_cors_is_closed_elsewhere_and_health_tells_that_keys_are_kept(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.get("/health", headers={"Origin": "https://anywhere.example"})
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["puras-idempotency"] == "1"
    assert "puras-idempotency" not in (await client.get("/ready")).headers


@pytest.mark.parametrize("path", ["/v1/things", "/v1/nowhere"])
async def test_a_preflight_is_answered_before_any_check(
    client: httpx2.AsyncClient, path: str
) -> None:
    response = await client.options(
        path,
        headers={
            "Origin": "https://anywhere.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-methods"] == (
        "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    )
    assert response.headers["access-control-allow-headers"] == (
        "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"
    )


async def test_an_unknown_path_is_not_found(client: httpx2.AsyncClient) -> None:
    assert problem(await client.get("/v1/nowhere")) == (404, "not_found")
    assert problem(await client.get("/v1/wait/")) == (404, "not_found")


async def test_another_method_is_told_which_ones_there_are(client: httpx2.AsyncClient) -> None:
    response = await client.put("/v1/packs/a/parts/b")
    assert problem(response) == (405, "method_not_allowed")
    assert {name.strip() for name in response.headers["allow"].split(",")} == {
        "GET",
        "HEAD",
        "DELETE",
    }


async def test_a_refusal_says_when_to_try_again(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/refuse")
    assert problem(response) == (429, "rate_limited")
    assert response.headers["retry-after"] == "7"


async def test_an_exception_is_logged_with_its_traceback_and_nothing_of_it_leaks(
    client: httpx2.AsyncClient,
) -> None:
    with capture_logs() as logs:
        response = await client.get("/v1/burst", headers={"X-Request-Id": "quote-me"})
    assert problem(response) == (500, "internal_error")
    assert "s3cr3t" not in response.text
    assert logs[0]["exc_info"] is True
    assert logs[0]["log_level"] == "error"


async def test_a_stream_that_breaks_is_cut_and_not_followed_by_an_error_body(
    platform: Platform,
) -> None:
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    with capture_logs() as logs, pytest.raises(RuntimeError, match="burst"):
        await Http(platform, [routes])(scope("/v1/broken-stream"), never, send)  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert logs[0]["log_level"] == "error"


async def test_a_head_is_answered_like_a_get(client: httpx2.AsyncClient) -> None:
    response = await client.head("/v1/packs/a/parts/b")
    assert response.status_code == 200


async def test_a_stream_has_no_head(client: httpx2.AsyncClient) -> None:
    response = await client.head("/v1/broken-stream")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"


async def test_no_content_has_no_content_type(client: httpx2.AsyncClient) -> None:
    response = await client.delete("/v1/packs/a/parts/b")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/things/special", "special"),
        ("/v1/things/a/b", "a/b"),
        ("/v1/things/a%2Fb%20c", "a/b c"),
        ("/v1/things/%C3%A9", "é"),
        ("/v1/packs/ws%2Fpack/parts/1", ["ws/pack", "1"]),
        ("/v1/%70acks/x/parts/100%25", ["x", "100%"]),
    ],
)
async def test_a_path_is_matched_segment_by_segment_and_then_decoded(
    client: httpx2.AsyncClient, path: str, answer: object
) -> None:
    assert (await client.get(path)).json() == answer


async def test_equal_paths_are_one_path_however_they_are_encoded() -> None:
    raws = [b"/v1/drive/a%7eb", b"/v1/drive/a~b", b"/v1/drive/a%7Eb?x=1"]
    assert {routed_path({"raw_path": raw, "path": ""}) for raw in raws} == {"/v1/drive/a~b"}


async def test_a_nul_in_path_or_query_is_refused(client: httpx2.AsyncClient) -> None:
    assert problem(await client.get("/v1/things/a%00b")) == (404, "not_found")
    assert problem(await client.get("/v1/wait?x=a%00b")) == (422, "invalid_request")


async def test_a_path_is_declared_once_for_each_method(platform: Platform) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Http(platform, [routes, routes])


async def test_a_body_over_ten_mebibytes_is_refused_by_its_announced_length(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    headers = {**key.headers, "Content-Length": str(MAX_REQUEST_BYTES + 1)}
    response = await client.post("/v1/things", headers=headers, content=b"{}")
    assert problem(response) == (413, "too_large")


async def test_a_body_over_ten_mebibytes_is_refused_while_it_is_read(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1 << 20
            yield b" " * (1 << 20)

    response = await client.post("/v1/things", headers=key.headers, content=endless())
    assert problem(response) == (413, "too_large")
    assert taken == MAX_REQUEST_BYTES + (1 << 20)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  ",
        b"{",
        b"{}x",
        b'{"name": NaN}',
        b'{"name": "a", "extra": {"x": Infinity}}',
        b'{"name": "a", "count": 1e999}',
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "a", "extra": ' + b'{"a":' * 200 + b"1" + b"}" * 201,
        b"[" * 200_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
async def test_what_is_no_json_is_refused(
    client: httpx2.AsyncClient, key: Minted, raw: bytes
) -> None:
    response = await client.post("/v1/things", headers=key.headers, content=raw)
    assert problem(response) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'"\\ud800"', "\ufffd"),
        (b'"a\\udC00b"', "a\ufffdb"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\ud800\\ud83d\\ude00"', "\ufffd😀"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"a\\u0000b"', "a\x00b"),
    ],
)
async def test_a_lone_surrogate_becomes_the_replacement_character(
    client: httpx2.AsyncClient, key: Minted, raw: bytes, name: str
) -> None:
    body = b'{"name": ' + raw + b"}"
    response = await client.post("/v1/things", headers=key.headers, content=body)
    assert response.status_code == 201
    assert response.json() == {"name": name}


async def test_all_faults_of_a_body_are_named_at_once(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    body = {"count": "x" * 9000, "tags": ["a", 1, {}]}
    response = await client.post("/v1/things", headers=key.headers, json=body)
    assert problem(response) == (422, "invalid_request")
    faults = {fault["path"]: fault["message"] for fault in response.json()["errors"]}
    assert set(faults) == {"$", "$.count", "$.tags[1]", "$.tags[2]"}
    assert faults["$"] == '"name" is a required property'
    assert "integer" in faults["$.count"]
    assert len(faults["$.count"]) < 400
    assert "3 more" in response.json()["detail"]


async def test_a_body_that_is_no_object_is_refused(client: httpx2.AsyncClient, key: Minted) -> None:
    for content in ("[]", '"x"', "1", "null"):
        response = await client.patch("/v1/things", headers=key.headers, content=content)
        assert problem(response) == (422, "invalid_request")


async def test_an_unknown_field_is_refused_where_the_endpoint_is_strict_naming_the_nearest(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    body = {"nmae": "a", "count": "x"}
    response = await client.patch("/v1/things", headers=key.headers, json=body)
    assert problem(response) == (422, "unknown_field")
    assert response.json()["errors"][0] == {
        "path": "$.nmae",
        "message": "there is no such field: did you mean `name`?",
    }
    assert len(response.json()["errors"]) == 3


async def test_an_unknown_field_is_passed_on_where_the_endpoint_is_lenient(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    body = {"name": "a", "new": 1}
    response = await client.post("/v1/things", headers=key.headers, json=body)
    assert response.json() == body


async def test_the_key_comes_before_the_body(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/things", content=b"{")
    assert problem(response) == (401, "invalid_api_key")


async def test_the_keys_power_comes_before_the_body(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    publishable = await mint(platform, await make_workspace(platform), kind="publishable")
    response = await client.patch("/v1/things", headers=publishable.headers, content=b"{")
    assert problem(response) == (403, "key_kind_not_allowed")


@pytest.mark.parametrize(
    ("query", "waits"),
    [
        ("", [0.0, 0.0]),
        ("wait=", [0.0, 0.0]),
        ("wait=1", [1.0, 60.0]),
        ("wait=1&timeout=.25", [1.0, 0.25]),
        ("wait=1&timeout=1e3", None),
        ("wait=0.5", [0.5, 0.0]),
        ("wait=60.1", [60.0, 0.0]),
        ("wait=" + "9" * 400, [60.0, 0.0]),
        ("wait=-1", None),
        ("wait=nan", None),
        ("wait=inf", None),
        ("wait=true", None),
        ("wait=%D9%A3", None),
    ],
)
async def test_a_wait_is_decimal_seconds_and_sixty_at_most(
    client: httpx2.AsyncClient, query: str, waits: list[float] | None
) -> None:
    response = await client.get(f"/v1/wait?{query}")
    if waits is None:
        assert problem(response) == (422, "invalid_request")
    else:
        assert response.json() == waits


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, None]),
        ("after=0&version=1", [0, 1]),
        ("after=1001&version=+7+", [1000, 7]),
        ("after=-1", None),
        ("after=1.0", None),
        ("after=" + "9" * 5000, None),
        ("version=0", None),
        ("version=latest", None),
    ],
)
async def test_a_whole_number_is_read_within_its_bounds(
    client: httpx2.AsyncClient, query: str, numbers: list[int | None] | None
) -> None:
    response = await client.get(f"/v1/numbers?{query}")
    if numbers is None:
        assert problem(response) == (422, "invalid_request")
    else:
        assert response.json() == numbers


async def test_a_list_is_walked_page_by_page_along_its_links(client: httpx2.AsyncClient) -> None:
    seen: list[str] = []
    url, pages = "/v1/things?limit=40&filter=a%26b", 0
    while url:
        response = await client.get(url)
        pages += 1
        seen += [thing["id"] for thing in response.json()]
        link = response.links.get("next", {}).get("url", "")
        assert not link or link.startswith("https://puras.example/v1/things?limit=40&filter=a%26b&")
        url = link.removeprefix("https://puras.example")
    assert pages == 3
    assert len(seen) == 100
    assert seen == sorted(seen, reverse=True)


async def test_a_list_has_fifty_things_a_page_and_two_hundred_at_most(
    client: httpx2.AsyncClient,
) -> None:
    assert len((await client.get("/v1/things")).json()) == 50
    response = await client.get("/v1/things?limit=100000")
    assert len(response.json()) == 100
    assert "link" not in response.headers


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "before=x"])
async def test_a_page_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, query: str
) -> None:
    response = await client.get(f"/v1/things?{query}")
    assert problem(response) == (422, "invalid_request")
    assert response.json()["errors"][0]["path"] == f"?{query.partition('=')[0]}"


async def test_health_needs_no_key(client: httpx2.AsyncClient) -> None:
    for path in ("/", "/health", "/ready"):
        body = (await client.get(path)).json()
        assert body == {"ok": True, "service": "puras", "version": body["version"]}


async def test_the_server_is_not_ready_once_its_database_is_gone(
    client: httpx2.AsyncClient, platform: Platform
) -> None:
    await platform.db.close()
    assert problem(await client.get("/ready")) == (503, "not_ready")
    assert (await client.get("/health")).status_code == 200


OLDER_SCHEMA = Query(
    "older_schema",
    f"PRAGMA user_version={latest('sqlite') - 1}",
    overrides=(("postgres", "UPDATE schema_version SET version = version - 1"),),
)

OWN_SCHEMA = Query(
    "own_schema",
    f"PRAGMA user_version={latest('sqlite')}",
    overrides=(("postgres", "UPDATE schema_version SET version = version + 1"),),
)


async def test_the_server_is_not_ready_on_an_older_schema(tmp_path: Path) -> None:
    async with open_platform(tmp_path) as platform:
        await platform.db.write(lambda tx: tx.run(OLDER_SCHEMA))
        async with serving(platform, health.routes) as client:
            assert problem(await client.get("/ready")) == (503, "not_ready")
        await platform.db.write(lambda tx: tx.run(OWN_SCHEMA))


async def test_a_client_that_hangs_up_in_its_body_is_no_error(platform: Platform) -> None:
    key = await mint(platform, await make_workspace(platform))
    authorization = (b"authorization", f"Bearer {key.text}".encode())
    request = scope("/v1/things", method="POST", headers=[authorization])

    async def hang_up() -> dict[str, object]:
        return {"type": "http.disconnect"}

    app = Http(platform, [routes])
    with capture_logs() as logs:
        await app(request, hang_up, never)  # type: ignore[arg-type]
    await app.close()
    assert [entry["log_level"] for entry in logs] == ["debug"]


async def never(*_: object) -> dict[str, object]:
    await asyncio.Event().wait()
    raise AssertionError


def scope(
    path: str, *, method: str = "GET", headers: list[tuple[bytes, bytes]] | None = None
) -> dict[str, object]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers or [],
    }


def test_error_bodies_are_plain_json() -> None:
    response = error_response(Refused("not_found", "nothing is here: look elsewhere"), "id-1")
    assert json.loads(bytes(response.body)) == {
        "detail": "nothing is here: look elsewhere",
        "code": "not_found",
        "request_id": "id-1",
    }
