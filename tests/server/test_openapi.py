from __future__ import annotations

from starlette.responses import Response

from puras import wire
from puras.errors import CODES
from puras.server.app import ROUTES
from puras.server.caller import Power
from puras.server.endpoint import Call, Endpoint, Reply, Routes
from puras.server.openapi import codes_of, document, wire_schema

ENDPOINTS = [endpoint for routes in ROUTES for endpoint in routes.endpoints]

routes = Routes("demo")


@routes.post(
    "/v1/demo/{ref:skillpack}/{path:path}",
    needs=Power.LIMITED,
    body=wire.KeyCreate,
    strict=True,
    returns=list[wire.Key],
    status=201,
    query={"wait": "how long"},
    codes=("slug_taken",),
    idempotent=True,
)
async def demo(call: Call) -> Reply:
    """Say what
    it does.

    And more.
    """
    return Reply(None)


@routes.post(
    "/v1/upload", needs=Power.PUBLISHABLE, form={"file": "the file (a file)", "path": "where"}
)
@routes.get("/v1/stream", needs=None, media="text/event-stream")
@routes.delete("/v1/gone", needs=Power.NARROW, status=204)
async def other(call: Call) -> Response:
    """Do something."""
    return Response()


def endpoint(path: str) -> Endpoint:
    return next(each for each in routes.endpoints if each.path == path)


def test_an_operation_is_described_whole() -> None:
    described = document(routes.endpoints)["paths"]["/v1/demo/{ref}/{path}"]["post"]
    assert described["operationId"] == "demo"
    assert described["summary"] == "Say what it does."
    assert described["security"] == [{"key": []}]
    assert described["x-puras-needs"] == "limited"
    assert [(each["name"], each["in"]) for each in described["parameters"]] == [
        ("ref", "path"),
        ("path", "path"),
        ("wait", "query"),
        ("Idempotency-Key", "header"),
    ]
    body = described["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/KeyCreate"}
    answer = described["responses"]["201"]["content"]["application/json"]["schema"]
    assert answer == {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}
    assert "`slug_taken`" in described["responses"]["409"]["description"]


def test_the_codes_follow_from_what_an_endpoint_declares() -> None:
    assert set(codes_of(endpoint("/v1/stream"))) == {"internal_error"}
    assert set(codes_of(endpoint("/v1/gone"))) == {
        "internal_error",
        "invalid_api_key",
        "too_many_attempts",
        "origin_not_allowed",
        "key_kind_not_allowed",
    }
    assert {"key_fenced", "unknown_field", "idempotency_mismatch", "too_large"} <= set(
        codes_of(endpoint("/v1/demo/{ref:skillpack}/{path:path}"))
    )
    assert "key_kind_not_allowed" not in codes_of(endpoint("/v1/upload"))


def test_a_form_a_stream_and_an_empty_answer_are_described_as_what_they_are() -> None:
    paths = document(routes.endpoints)["paths"]
    form = paths["/v1/upload"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"] == {
        "type": "string",
        "format": "binary",
        "description": "the file",
    }
    assert form["required"] == ["file"]
    assert list(paths["/v1/stream"]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "content" not in paths["/v1/gone"]["delete"]["responses"]["204"]


def test_every_endpoint_says_what_it_does_under_a_name_of_its_own() -> None:
    names = [each.name for each in ENDPOINTS]
    assert len(set(names)) == len(names)
    assert [each.path for each in ENDPOINTS if not each.summary.endswith((".", ":"))] == []


def test_every_code_that_an_endpoint_declares_is_in_the_table() -> None:
    assert {code for each in ENDPOINTS for code in each.codes} <= set(CODES)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    whole = document(ENDPOINTS)
    names = set(whole["components"]["schemas"])
    assert {reference.rsplit("/", 1)[1] for reference in references(whole)} <= names


def test_the_wires_schema_has_every_type_and_literal() -> None:
    schema = wire_schema()
    assert {"Job", "JobEvent", "ErrorBody", "MintedKey", "JobStatus", "EventType"} <= set(
        schema["$defs"]
    )
    assert set(schema["$defs"]["JobStatus"]["enum"]) == {
        "queued",
        "running",
        "succeeded",
        "failed",
        "cancelled",
    }
    assert all(reference.startswith("#/$defs/") for reference in references(schema))


def references(value: object) -> set[str]:
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    if not isinstance(value, dict):
        return set()
    here = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return here.union(*(references(item) for item in value.values()))
