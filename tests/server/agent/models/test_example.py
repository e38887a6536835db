from __future__ import annotations

from typing import Any

import pytest

from puras.bundle.dialect import plain
from puras.bundle.schema import compile_schema
from puras.server.agent.models.example import example

_SCHEMAS: dict[str, Any] = {
    "limits of texts": {"type": "string", "minLength": 30, "maxLength": 32},
    "a short text": {"type": "string", "maxLength": 3},
    "a pattern": {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
    "a pattern with a least length": {"type": "string", "pattern": "^[^/ ]+$", "minLength": 9},
    "named groups": {"type": "string", "pattern": "^(?<year>[0-9]{4})(-Q[1-4]|-H[12])?$"},
    "whole numbers": {"type": "integer", "minimum": 5, "exclusiveMaximum": 7},
    "negative numbers": {"type": "integer", "maximum": -3},
    "steps": {"type": "number", "multipleOf": 0.25, "minimum": 0.3, "maximum": 0.6},
    "exclusive limits": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    "null": {"type": "null"},
    "anything": {},
    "files and colours": {
        "type": "object",
        "properties": {
            "image": {"type": "image"},
            "clips": {"type": "array", "items": {"type": "video"}, "minItems": 2},
            "voice": {"type": ["null", "audio"]},
            "colour": {"type": "color"},
            "story": {"type": "text", "minLength": 20},
        },
    },
    "a reference to itself": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["name"],
            }
        },
        "$ref": "#/$defs/node",
    },
    "alternatives": {
        "oneOf": [
            {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
            {"type": "object", "properties": {"b": {"const": 1}}, "required": ["b"]},
        ]
    },
    "a condition": {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "b"}}},
        "then": {"required": ["z"]},
        "else": {"properties": {"q": {"type": "integer"}}, "required": ["q"]},
    },
    "what must not be": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "not": {"required": ["a", "b"]},
    },
    "parts that add up": {
        "allOf": [
            {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}},
            {"properties": {"n": {"maximum": 3}}, "required": ["n"]},
        ]
    },
    "different entries": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 3,
        "uniqueItems": True,
    },
    "different choices": {
        "type": "array",
        "items": {"enum": [1, 2, 3]},
        "minItems": 3,
        "uniqueItems": True,
    },
    "places": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
        "minItems": 2,
    },
    "something among others": {
        "type": "array",
        "contains": {"const": "z"},
        "items": {"type": "string"},
        "minItems": 2,
    },
    "names that are free": {
        "type": "object",
        "minProperties": 2,
        "additionalProperties": {"type": "integer"},
    },
    "names of a kind": {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {"^x": {"type": "integer"}},
        "propertyNames": {"pattern": "^x"},
    },
}


def _take(kind: str) -> str:
    return f"drafts/{kind}"


@pytest.mark.parametrize("name", _SCHEMAS)
def test_an_example_fits_its_schema_as_written_and_as_a_model_sees_it(name: str) -> None:
    for schema in (_SCHEMAS[name], plain(_SCHEMAS[name])):
        value = example(schema, take_file=_take)
        assert compile_schema(schema).violations(value) == [], value
        assert example(schema, take_file=_take) == value, "the same at each time"


def test_files_are_taken_by_their_kind_even_where_a_schema_was_made_plain() -> None:
    schema = _SCHEMAS["files and colours"]
    made = example(plain(schema), take_file=_take)
    assert made["image"] == "drafts/image"
    assert made["clips"] == ["drafts/video", "drafts/video"]
    assert made["voice"] == "drafts/audio"


def test_constants_choices_examples_and_defaults_come_before_inventions() -> None:
    properties = {
        "a": {"const": 7},
        "b": {"enum": ["first", "second"]},
        "c": {"type": "string", "examples": ["an example"]},
        "d": {"type": "string", "default": "as usual"},
    }
    made = example({"type": "object", "properties": properties}, take_file=_take)
    assert made == {"a": 7, "b": "first", "c": "an example", "d": "as usual"}


def test_a_schema_that_nothing_fits_still_gets_a_value() -> None:
    assert example({"type": "string", "not": {"type": "string"}}, take_file=_take)
