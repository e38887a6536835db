"""The rule that all types keep: what fits its schema fits its type."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from puras.bundle.schema import compile_schema, shape_output
from puras.bundle.types.read import Reader
from puras.bundle.types.tree import (
    Array,
    Constant,
    Object,
    Reference,
    Simple,
    Type,
    Union,
    of_value,
)

from .schemas import schemas, values


def fits(type_: Type, value: Any, reader: Reader) -> bool:
    """Whether a compiler would take the value; keys that no schema names are let through here."""
    match type_:
        case Simple(name):
            return _is_simple(name, value)
        case Constant():
            return type_ == of_value(value)
        case Union(options):
            return any(fits(option, value, reader) for option in options)
        case Reference():
            return fits(reader.target(type_), value, reader)
        case Array():
            return isinstance(value, list) and _fits_list(type_, value, reader)
        case Object():
            return isinstance(value, dict) and _fits_object(type_, value, reader)
    raise AssertionError(type_)


def _is_simple(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return name in ("boolean", "unknown")
    if name == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    kinds: dict[str, Any] = {
        "string": str,
        "file": (str, dict),
        "number": (int, float),
        "null": type(None),
        "unknown": object,
    }
    return isinstance(value, kinds.get(name, ()))


def _fits_list(type_: Array, value: list[Any], reader: Reader) -> bool:
    types = [*type_.first, *[type_.items] * (len(value) - len(type_.first))]
    return len(value) >= type_.least and all(
        fits(each, member, reader) for each, member in zip(types, value, strict=False)
    )


def _fits_object(type_: Object, value: dict[str, Any], reader: Reader) -> bool:
    for member in type_.properties:
        if member.name not in value and not member.is_optional:
            return False
        if member.name in value and not fits(member.type, value[member.name], reader):
            return False
    others = (member for name, member in value.items() if type_.find(name) is None)
    return type_.rest is None or all(fits(type_.rest, member, reader) for member in others)


@given(st.data())
@settings(max_examples=100)
def test_inputs_that_the_server_takes_fit_their_type(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    value = data.draw(values(schema, schema))
    assume(compile_schema(schema).violations(value) == [])
    reader = Reader(schema, "inputs")
    assert fits(reader.root(), value, reader)


@given(st.data())
@settings(max_examples=100)
def test_a_result_that_the_server_gives_fits_its_type(data: st.DataObject) -> None:
    schema = data.draw(schemas(side="result"))
    shaped, faults = shape_output(schema, data.draw(values(schema, schema)))
    assume(faults == [])
    reader = Reader(schema, "result")
    assert fits(reader.root(), shaped, reader)
