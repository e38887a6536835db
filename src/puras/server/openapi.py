"""Describes the endpoints as OpenAPI 3.1, and the wire types as JSON Schema: pure, no I/O.

Beside the standard's fields an operation has `x-puras-needs` (the least power of a key, null where
none is asked for) and `x-puras-codes` (every error code it can answer with).
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_origin, is_typeddict

from puras import wire
from puras.errors import CODES
from puras.server.bodies import schema_of
from puras.server.caller import Power
from puras.server.endpoint import Endpoint
from puras.server.sessions.tokens import COOKIE

_COMPONENT = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_FILE = "(a file)"
"""How the description of a form field ends that is a file."""


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document of the endpoints."""
    schemas: dict[str, Any] = {}
    _schema(wire.ErrorBody, schemas)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in sorted(endpoints, key=lambda each: (each.path, each.method)):
        path = _PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Puras", "version": "v1", "summary": "Skills as an API: submit, watch."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
            "schemas": dict(sorted(schemas.items())),
        },
    }


def wire_schema(module: types.ModuleType = wire) -> dict[str, Any]:
    """Return one JSON Schema whose `$defs` are all types and literals of the wire."""
    definitions: dict[str, Any] = {}
    for name, value in vars(module).items():
        if is_typeddict(value):
            definitions |= schema_of(value)[1]
        elif get_origin(value) is Literal:
            definitions[name] = schema_of(value)[0]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Puras wire types",
        "$defs": dict(sorted(definitions.items())),
    }


def codes_of(endpoint: Endpoint) -> list[str]:
    """Return every error code that an endpoint can answer with, in the order of the table."""
    codes = {"internal_error", *endpoint.codes}
    if endpoint.needs is not None:
        codes |= {"invalid_api_key", "too_many_attempts", "origin_not_allowed"}
        codes |= {"key_kind_not_allowed"} if endpoint.needs > Power.PUBLISHABLE else set()
        codes |= {"key_fenced"} if endpoint.needs > Power.NARROW else set()
    if endpoint.body is not None:
        codes |= {"too_large", "invalid_json", "invalid_request"}
    if endpoint.strict:
        codes |= {"unknown_field"}
    if endpoint.idempotent:
        codes |= {"idempotency_mismatch"}
    if endpoint.form or endpoint.query or endpoint.idempotent:
        codes |= {"invalid_request"}
    return [code for code in CODES if code in codes]


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.group],
        "summary": endpoint.summary,
        "security": _security(endpoint),
        "x-puras-needs": None if endpoint.needs is None else endpoint.needs.name.lower(),
        "x-puras-codes": codes_of(endpoint),
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.body is not None:
        schema = _schema(endpoint.body, schemas)
        if endpoint.strict:
            _close(schema, schemas)
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    elif endpoint.form:
        content = {"multipart/form-data": {"schema": _form(endpoint.form)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    if endpoint.cookie:
        return [{"session": []}]
    return [] if endpoint.needs is None else [{"key": []}]


def _close(schema: Mapping[str, str], schemas: dict[str, Any]) -> None:
    """Say that a body's type has no other fields than those it names."""
    name = schema["$ref"].rpartition("/")[2]
    schemas[name] = {**schemas[name], "additionalProperties": False}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    for name, meaning in endpoint.query.items():
        parameters.append(_optional(name, "query", meaning))
    if endpoint.idempotent:
        meaning = "1 to 255 characters; a repeat with the same one has its effect once."
        parameters.append(_optional("Idempotency-Key", "header", meaning))
    return parameters


def _optional(name: str, place: str, meaning: str) -> dict[str, Any]:
    return {"name": name, "in": place, "description": meaning, "schema": {"type": "string"}}


def _form(fields: Mapping[str, str]) -> dict[str, Any]:
    properties = {
        name: {
            "type": "string",
            **({"format": "binary"} if meaning.endswith(_FILE) else {}),
            "description": meaning.removesuffix(_FILE).rstrip(),
        }
        for name, meaning in fields.items()
    }
    required = [name for name, field in properties.items() if "format" in field]
    return {"type": "object", "properties": properties, "required": required}


def _responses(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {str(endpoint.status): _success(endpoint, schemas)}
    error = {"application/json": {"schema": _schema(wire.ErrorBody, schemas)}}
    by_status: dict[int, list[str]] = {}
    for code in codes_of(endpoint):
        by_status.setdefault(CODES[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        told = "\n".join(f"- `{code}`: {CODES[code].meaning}" for code in codes)
        responses[str(status)] = {"description": told, "content": error}
    return responses


def _success(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    if endpoint.status == 204:
        return {"description": "Done."}
    if endpoint.returns is not None:
        schema = _schema(endpoint.returns, schemas)
        if endpoint.media == "text/event-stream":
            schema = _sent_event(schema)
    else:
        schema = {} if endpoint.media == "application/json" else {"type": "string"}
    return {"description": "Success.", "content": {endpoint.media: {"schema": schema}}}


def _sent_event(data: dict[str, Any]) -> dict[str, Any]:
    """Describe each event of a stream, as OpenAPI before 3.2 does; `end` has other data."""
    end = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    inside = {"anyOf": [data, end]}
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "event": {"type": "string"},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": inside,
            },
        },
        "required": ["data"],
    }


def _schema(wire_type: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    schema, named = schema_of(wire_type, references=_COMPONENT)
    schemas |= named
    return schema
