from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.bundle.files import replaced
from puras.bundle.schema import (
    MAX_VIOLATIONS,
    compile_schema,
    declared_files,
    fill_defaults,
    shape_output,
)

FILES = [
    "https://example.com/a.png",
    "data:image/png;base64,AAAA",
    "uploads/a.png",
    {"url": "https://example.com/a.png"},
    {"drive_path": "a.png", "mime": "image/png"},
    {"data": "data:,x"},
    {"base64": "AAAA"},
]
NO_FILES: list[Any] = ["", 3, None, True, [], {}, {"href": "x"}, {"url": 3}, {"url": ""}]


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return compile_schema({"properties": {"a": schema}}).violations({"a": value}) == []


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_a_file_is_a_string_or_an_object_that_says_where_it_is(kind: str) -> None:
    assert all(accepts({"type": kind}, value) for value in FILES)
    assert not any(accepts({"type": kind}, value) for value in NO_FILES)


@pytest.mark.parametrize("value", ["#fff", "fff", "#FF8800", "ff8800"])
def test_a_color_is_3_or_6_hex_digits(value: str) -> None:
    assert accepts({"type": "color"}, value)


@pytest.mark.parametrize("value", ["#ff", "#ffff", "red", "#ggg", "#fff\n", "", 3, None])
def test_nothing_else_is_a_color(value: Any) -> None:
    assert not accepts({"type": "color"}, value)


def test_a_text_is_a_string_of_any_lines() -> None:
    assert accepts({"type": "text"}, "two\nlines")
    assert not accepts({"type": "text"}, 3)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": ["image", "null"]}, [None, "a.png", {"url": "x"}], [3, {}, ""]),
        ({"type": ["color", "integer"]}, ["#fff", 3], ["red", None, 1.5]),
        ({"type": "image", "maxLength": 3}, ["a", {"url": "longer"}], ["longer"]),
        ({"type": "text", "enum": ["a", "b"]}, ["a"], ["c", 3]),
        ({"type": "image", "allOf": [{"maxLength": 2}]}, ["ab"], ["abc", 3]),
        ({"type": "array", "items": {"type": "image"}}, [["a"], []], [["a", 3]]),
        ({"prefixItems": [{"type": "color"}, {"type": "file"}]}, [["#fff", "x"]], [["x", "x"]]),
        ({"contains": {"type": "color"}}, [[3, "#fff"]], [[3, 4]]),
        ({"$defs": {"i": {"type": "image"}}, "$ref": "#/properties/a/$defs/i"}, ["a"], [3]),
        ({"dependentSchemas": {"x": {"properties": {"y": {"type": "color"}}}}},
         [{"y": 3}, {"x": 1, "y": "#fff"}], [{"x": 1, "y": 3}]),
        ({"dependentSchemas": {"x": {"type": "image"}}}, [{"x": 1, "url": "u"}], [{"x": 1}]),
        ({"additionalProperties": {"type": "color"}}, [{"z": "#fff"}], [{"z": "zz"}]),
        ({"patternProperties": {"^c": {"type": "color"}}}, [{"c": "#fff", "d": 1}], [{"c": 1}]),
        ({"propertyNames": {"type": "color"}}, [{"fff": 1}], [{"red": 1}]),
        ({"not": {"type": "color"}}, ["red", 3], ["#fff"]),
        ({"if": {"type": "color"}, "then": {"maxLength": 3}}, ["fff", "long"], ["ffffff"]),
        ({"oneOf": [{"type": "image"}, {"type": "integer"}]}, ["a", 3], [True, []]),
        ({"unevaluatedProperties": {"type": "color"}}, [{"q": "#fff"}], [{"q": 1}]),
    ],
)  # fmt: skip
def test_the_types_of_the_dialect_stand_wherever_a_type_may(
    schema: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    assert [value for value in good if not accepts(schema, value)] == []
    assert [value for value in bad if accepts(schema, value)] == []


def test_a_property_may_be_called_type() -> None:
    schema = {"properties": {"type": {"type": "string"}, "image": {"const": {"type": "image"}}}}
    assert compile_schema(schema).violations({"type": "image", "image": {"type": "image"}}) == []


def test_every_violation_is_told_at_once_with_its_path_in_words_that_help() -> None:
    schema = {
        "type": "object",
        "properties": {
            "photo": {"type": "image"},
            "either": {"type": ["color", "null"]},
            "count": {"type": "integer"},
            "size": {"enum": ["small", "large", 3]},
            "list": {"type": "array", "items": {"type": "text"}},
            "top": {"maximum": 3},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    value = {
        "photo": 3, "either": "red", "count": "3", "size": "smal", "list": ["a", 2], "top": 4,
        "x": 1,
    }  # fmt: skip
    violations = compile_schema(schema).violations(value)
    assert sorted((fault["path"], fault["message"]) for fault in violations) == [
        ("$", "`name` is missing"),
        ("$", "takes no `x`: remove what is not declared"),
        ("$.count", "must be an integer, not a string"),
        ("$.either", "must be a color of 3 or 6 hex digits (such as `#ff8800`) or null"),
        ("$.list[1]", "must be a text (a string)"),
        (
            "$.photo",
            "must be an image: a URL, a data URI or a drive path, or an object with one of "
            "`drive_path`, `url`, `data`, `base64`",
        ),
        ("$.size", "must be one of 'small', 'large', 3; did you mean `small`?"),
        ("$.top", "4 is greater than the maximum of 3"),
    ]


def test_a_value_that_fits_no_alternative_is_told_what_each_one_asks_for() -> None:
    schema = {
        "properties": {
            "a": {
                "anyOf": [
                    {"type": "image"},
                    {"properties": {"x": {"type": "integer"}}, "required": ["x"]},
                    {"properties": {"y": {"type": "text"}}},
                ]
            }
        }
    }
    (fault,) = compile_schema(schema).violations({"a": {"y": 3}})
    assert fault["path"] == "$.a"
    assert fault["message"].startswith("must fit one of several: either must be an image: a URL,")
    assert fault["message"].endswith("- or `x` is missing - or .y must be a text (a string)")


def test_a_violation_never_quotes_a_large_value_whole() -> None:
    (fault,) = compile_schema({"properties": {"a": {"pattern": "^x"}}}).violations(
        {"a": "y" * 10**6}
    )
    assert len(fault["message"]) < 400
    assert "does not match" in fault["message"]


def test_no_more_than_100_violations_are_told() -> None:
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    assert len(compile_schema(schema).violations({"a": [1] * 500})) == MAX_VIOLATIONS


def test_what_is_no_json_is_a_violation() -> None:
    checker = compile_schema(None)
    assert checker.violations({"a": [1.5, float("nan")]}) == [
        {"path": "$.a[1]", "message": "JSON has no number nan"}
    ]
    deep: Any = 1
    for _ in range(3000):
        deep = [deep]
    assert "nested deeper than 128 levels" in checker.violations({"a": deep})[0]["message"]


# Defaults

TREE = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "default": 3},
        "child": {"$ref": "#", "default": {}},
        "list": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "pair": {"prefixItems": [{"properties": {"x": {"default": 1}}}]},
        "all": {"allOf": [{"properties": {"y": {"default": [1]}}}]},
        "shared": {"$ref": "#/$defs/shared"},
        "maybe": {"anyOf": [{"properties": {"z": {"default": 1}}}]},
    },
    "$defs": {
        "item": {"properties": {"tone": {"default": "warm"}}},
        "shared": {
            "type": "object",
            "default": {"given": 1},
            "properties": {"more": {"default": 2}},
        },
    },
}


def test_defaults_are_filled_at_every_depth() -> None:
    given = {"list": [{}, {"tone": "cold"}, 3], "pair": [{}, {}], "all": {}, "maybe": {}}
    assert fill_defaults(TREE, given) == {
        "size": 3,
        "child": {"size": 3, "shared": {"given": 1, "more": 2}},
        "list": [{"tone": "warm"}, {"tone": "cold"}, 3],
        "pair": [{"x": 1}, {}],
        "all": {"y": [1]},
        "shared": {"given": 1, "more": 2},
        "maybe": {},
    }


def test_filling_leaves_inputs_and_schema_as_they_are() -> None:
    inputs, schema = {"list": [{}], "all": {}}, copy.deepcopy(TREE)
    filled = fill_defaults(schema, inputs)
    filled["all"]["y"].append(2)
    assert inputs == {"list": [{}], "all": {}}
    assert schema == TREE
    assert fill_defaults(schema, {"all": {}})["all"] == {"y": [1]}


def test_null_and_false_are_values_and_no_default_takes_their_place() -> None:
    schema = {"properties": {"a": {"default": 1}, "b": {"default": None}, "c": {"default": True}}}
    assert fill_defaults(schema, {"a": None, "c": False}) == {"a": None, "b": None, "c": False}


def test_a_value_of_another_type_is_left_for_the_check_to_find() -> None:
    assert fill_defaults(TREE, {"list": "no list", "child": 3})["list"] == "no list"


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["size", "child", "list", "pair", "all", "shared", "maybe", "tone", "other"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from(list(TREE["properties"])), VALUES)  # type: ignore[call-overload]


@given(OBJECTS)
def test_filling_twice_gives_what_filling_once_gave(inputs: dict[str, Any]) -> None:
    filled = fill_defaults(TREE, inputs)
    assert fill_defaults(TREE, filled) == filled
    assert {key: filled[key] for key in inputs if not isinstance(inputs[key], (dict, list))} == {
        key: value for key, value in inputs.items() if not isinstance(value, (dict, list))
    }


# Files

ALBUM = {
    "properties": {
        "cover": {"type": "image"},
        "clips": {"type": "array", "items": {"$ref": "#/$defs/clip"}},
        "extra": {"additionalProperties": {"type": ["file", "null"]}},
        "named": {"patternProperties": {"^a": {"type": "audio"}}},
        "either": {"anyOf": [{"type": "integer"}, {"type": "audio"}]},
        "shaped": {
            "oneOf": [
                {"properties": {"kind": {"const": "file"}, "at": {"type": "file"}}},
                {"properties": {"kind": {"const": "text"}, "at": {"type": "string"}}},
            ]
        },
        "child": {"$ref": "#"},
        "title": {"type": "string"},
    },
    "$defs": {"clip": {"allOf": [{"properties": {"video": {"type": "video"}}}]}},
}


def places(value: Any) -> list[tuple[str, str]]:
    return [(file.path, file.kind) for file in declared_files(ALBUM, value)]


def test_declared_files_are_found_wherever_the_schema_leads() -> None:
    value = {
        "cover": {"drive_path": "a.png", "url": "https://x.y/a.png"},
        "clips": [{"video": "a.mp4"}, {"video": 3}, {}],
        "extra": {"one": "x.pdf", "none": None},
        "named": {"a1": "x.mp3"},
        "either": "y.mp3",
        "child": {"cover": "data:,x", "title": "no file"},
        "title": "uploads/looks-like-a-file.png",
    }
    assert places(value) == [
        ("$.cover", "image"),
        ("$.clips[0].video", "video"),
        ("$.extra.one", "file"),
        ("$.named.a1", "audio"),
        ("$.either", "audio"),
        ("$.child.cover", "image"),
    ]


def test_an_alternative_counts_only_where_the_value_can_be_it() -> None:
    assert places({"shaped": {"kind": "file", "at": "a"}}) == [("$.shaped.at", "file")]
    assert places({"shaped": {"kind": "text", "at": "a"}}) == []
    assert places({"either": 3}) == []


def test_found_files_can_be_put_back_changed() -> None:
    value = {"cover": "a", "clips": [{"video": "b"}, {}], "title": "t"}
    changes = {file.steps: f"signed:{file.value}" for file in declared_files(ALBUM, value)}
    assert replaced(value, changes) == {
        "cover": "signed:a", "clips": [{"video": "signed:b"}, {}], "title": "t",
    }  # fmt: skip
    assert value == {"cover": "a", "clips": [{"video": "b"}, {}], "title": "t"}
    assert replaced(value, {}) is value


def test_without_a_schema_no_file_is_declared() -> None:
    assert declared_files(None, {"a": "b.png"}) == []


# Results

RESULT = {
    "type": "object",
    "properties": {
        "card": {"type": "image"},
        "rows": {"type": "array", "items": {"properties": {"a": {}, "b": {}}, "required": ["a"]}},
        "open": {"properties": {"x": {}}, "additionalProperties": True},
        "free": {"type": "object"},
        "maybe": {"anyOf": [{"properties": {"m": {}}}, {"properties": {"n": {}}, "required": []}]},
    },
    "required": [],
}


def test_undeclared_properties_are_dropped_at_every_depth() -> None:
    card = {"drive_path": "a.png", "mime": "image/png"}
    value = {
        "card": card,
        "rows": [{"a": 1, "c": 3}],
        "open": {"x": 1, "y": 2},
        "free": {"anything": 1},
        "maybe": {"n": 1, "m": 2, "o": 3},
        "more": 1,
    }
    assert shape_output(RESULT, value) == (
        {
            "card": card,
            "rows": [{"a": 1}],
            "open": {"x": 1, "y": 2},
            "free": {"anything": 1},
            "maybe": {"n": 1, "m": 2},
        },
        [],
    )
    assert "more" in value


def test_what_is_dropped_is_no_violation_even_of_a_closed_schema() -> None:
    closed = {"properties": {"a": {}}, "additionalProperties": False}
    assert shape_output(closed, {"a": 1, "b": 2}) == ({"a": 1}, [])


def test_every_declared_property_is_required_where_the_author_wrote_nothing() -> None:
    schema = {"properties": {"a": {}, "b": {"properties": {"c": {}}}}}
    _, faults = shape_output(schema, {"b": {}})
    assert {(fault["path"], fault["message"]) for fault in faults} == {
        ("$", "`a` is missing"), ("$.b", "`c` is missing"),
    }  # fmt: skip


def test_what_the_author_wrote_as_required_stands() -> None:
    assert shape_output({"properties": {"a": {}, "b": {}}, "required": ["a"]}, {"a": 1})[1] == []
    assert shape_output({"properties": {"a": {}}, "required": []}, {})[1] == []


def test_a_question_in_a_schema_keeps_its_meaning() -> None:
    schema = {
        "properties": {"kind": {}, "text": {}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "text"}, "note": {"const": 1}}},
        "then": {"required": ["text"]},
    }
    _, faults = shape_output(schema, {"kind": "text"})
    assert [fault["message"] for fault in faults] == ["`text` is missing"]


def test_none_is_an_empty_result() -> None:
    assert shape_output(None, None) == ({}, [])
    assert shape_output({"properties": {}}, None) == ({}, [])


@pytest.mark.parametrize("value", [[1], "text", 3, True])
def test_a_result_that_is_no_object_is_a_fault(value: Any) -> None:
    result, faults = shape_output(None, value)
    assert result == {}
    assert faults[0]["path"] == "$"
    assert "a skill returns a JSON object" in faults[0]["message"]


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_nan_in_a_result_is_a_fault_with_or_without_a_schema(schema: dict[str, Any] | None) -> None:
    _, faults = shape_output(schema, {"a": float("inf")})
    assert faults == [{"path": "$.a", "message": "JSON has no number inf"}]


def test_without_a_schema_nothing_is_dropped() -> None:
    assert shape_output(None, {"anything": [1]}) == ({"anything": [1]}, [])
