"""Reads a request's JSON body: its size, its text, its shape, in this order.

The shape is the JSON Schema that msgspec emits for a type of `wire`, and jsonschema-rs names every
fault at once. What passes is plain dicts and lists, with no NaN, no infinity, no lone surrogate.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import jsonschema_rs
import msgspec
from starlette.requests import Request

from puras.server.refusals import Refused
from puras.wire import MAX_REQUEST_BYTES, Fault

MAX_DEPTH = 128
MAX_FAULTS = 100
_MESSAGE_CHARACTERS = 300

_SURROGATE = re.compile(
    rb"\\(?:"
    rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: one character
    rb"|u[dD](?P<lone>[89a-fA-F])[0-9a-fA-F]{2}"
    rb"|.)",
    re.DOTALL,
)


async def read(request: Request, *, limit: int = MAX_REQUEST_BYTES) -> bytes:
    """Read the whole body. Raises Refused (`too_large`) as soon as it is over the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def decode(raw: bytes) -> Any:
    """Read JSON. Lone surrogates become U+FFFD. Raises Refused (`invalid_json`)."""
    if not raw.strip():
        raise Refused("invalid_json", "the body is empty: send a JSON object")
    try:
        value = msgspec.json.decode(_mend_surrogates(raw))
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused("invalid_json", f"the body is not JSON ({error}): send valid JSON") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    return value


class Shape:
    """What a body must look like. `fields` are the names that the type knows."""

    def __init__(self, wire_type: Any, *, strict: bool = False) -> None:
        self.fields, self._validator = _compiled(wire_type)
        self._strict = strict

    def check(self, body: Any) -> None:
        """Raise Refused with every fault of a body: `unknown_field`, else `invalid_request`."""
        unknown = self._unknown(body) if self._strict and isinstance(body, dict) else []
        faults = [*unknown, *self._faults(body)][:MAX_FAULTS]
        if not faults:
            return
        raise invalid(faults, code="unknown_field" if unknown else "invalid_request")

    def _unknown(self, body: dict[str, Any]) -> list[Fault]:
        return [
            Fault(path=json_path([name]), message=f"there is no such field{self._nearest(name)}")
            for name in body
            if name not in self.fields
        ]

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name[:64], self.fields, n=1)
        return f": did you mean `{near[0]}`?" if near else f", only {', '.join(self.fields)}"

    def _faults(self, body: Any) -> list[Fault]:
        errors = self._validator.iter_errors(body)
        return [
            Fault(path=json_path(error.instance_path), message=_shortened(error.message))
            for error in errors
        ]


@cache
def _compiled(wire_type: Any) -> tuple[Sequence[str], jsonschema_rs.Draft202012Validator]:
    """Return the fields of a wire type, and what tells whether a value is one."""
    reference, definitions = schema_of(wire_type)
    fields = sorted(definitions[reference["$ref"].rsplit("/", 1)[1]]["properties"])
    return fields, jsonschema_rs.Draft202012Validator({**reference, "$defs": definitions})


def schema_of(
    wire_type: Any, *, references: str = "#/$defs/{name}"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a wire type's JSON Schema, and the named ones that it refers to."""
    (schema,), definitions = msgspec.json.schema_components([wire_type], ref_template=references)
    return cast("dict[str, Any]", _flat(schema)), cast("dict[str, Any]", _flat(definitions))


def invalid(faults: Sequence[Fault], *, code: str = "invalid_request") -> Refused:
    """Make one refusal of many faults: its sentence tells the first, `errors` has them all."""
    more = f" (and {len(faults) - 1} more, all in `errors`)" if len(faults) > 1 else ""
    first = faults[0]
    return Refused(code, f"`{first['path']}`: {first['message']}{more}", errors=faults)


def json_path(path: Sequence[str | int]) -> str:
    """Write a place in a JSON value: `$.skills[0]`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _flat(schema: Any) -> Any:
    """Write `anyOf` of bare types as a list of types: the faults then say what was expected."""
    if isinstance(schema, list):
        return [_flat(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    flat = {name: _flat(value) for name, value in schema.items()}
    choices = flat.get("anyOf", [])
    if all(set(choice) <= {"type", "items"} for choice in choices) and _fit_together(choices):
        del flat["anyOf"]
        for choice in choices:
            flat.update(choice)
        flat["type"] = [choice["type"] for choice in choices]
    return flat


def _fit_together(choices: Sequence[dict[str, Any]]) -> bool:
    return bool(choices) and sum("items" in choice for choice in choices) <= 1


def _mend_surrogates(raw: bytes) -> bytes:
    if b"\\ud" not in raw and b"\\uD" not in raw:
        return raw
    return _SURROGATE.sub(lambda m: b"\\ufffd" if m["lone"] else m[0], raw)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise _too_deep()


def _shortened(message: str) -> str:
    if len(message) <= _MESSAGE_CHARACTERS:
        return message
    return f"{message[: _MESSAGE_CHARACTERS // 2]} … {message[-_MESSAGE_CHARACTERS // 2 :]}"


def _too_large(limit: int) -> Refused:
    return Refused(
        "too_large",
        f"the body is over {limit >> 20} MiB: upload files to the drive and send their paths",
    )


def _too_deep() -> Refused:
    return Refused("invalid_json", f"the body is nested over {MAX_DEPTH} levels deep: flatten it")
