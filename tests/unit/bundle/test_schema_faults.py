from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.bundle.schema import SchemaError, compile_schema, fill_defaults, schema_faults


def doubling(levels: int) -> dict[str, Any]:
    """A schema of a few lines that asks for 2 ** levels checks."""
    definitions: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(levels)
    }
    return {"$defs": {**definitions, f"d{levels}": {"type": "string"}}, "$ref": "#/$defs/d0"}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


FAULTS: list[tuple[Any, str, str]] = [
    (5, "$", "a schema is a mapping"),
    (True, "$", "a schema is a mapping"),
    ({"type": "strin"}, "$.type", "no type `strin`; did you mean `string`?"),
    ({"type": 3}, "$.type", "there is no type `3`: the types are"),
    ({"type": []}, "$.type", "the list of types is empty"),
    ({"type": ["image", "vidoe"]}, "$.type", "did you mean `video`?"),
    ({"properties": 3}, "$.properties", "`properties` is a mapping from names to schemas"),
    ({"$defs": []}, "$.$defs", "`$defs` is a mapping"),
    ({"items": [{}]}, "$.items", "a schema stands here"),
    ({"properties": {"a": "string"}}, "$.properties.a", "a schema stands here"),
    ({"anyOf": []}, "$.anyOf", "a list of schemas with at least one entry"),
    ({"allOf": {}}, "$.allOf", "a list of schemas"),
    ({"required": True}, "$.required", "`required` is a list of property names"),
    ({"required": [1]}, "$.required", "`required` is a list of property names"),
    ({"$ref": 3}, "$.$ref", "`$ref` is a string"),
    ({"$anchor": 3}, "$.$anchor", "`$anchor` is a string"),
    ({"$ref": "#", "$dynamicRef": "#"}, "$.$dynamicRef", "either `$ref` or `$dynamicRef`"),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$.$schema", "2020-12"),
    ({"properties": {"a": {"$schema": 1}}}, "$.properties.a.$schema", "2020-12"),
    ({"$ref": "https://example.com/s.json"}, "$.$ref", "leads out of this schema"),
    ({"$ref": "file:///etc/passwd"}, "$.$ref", "leads out of this schema"),
    ({"$ref": "other.json"}, "$.$ref", "leads out of this schema"),
    ({"$ref": "#/$defs/none"}, "$.$ref", "no schema stands at `#/$defs/none`"),
    ({"$ref": "#none"}, "$.$ref", "no schema stands at `#none`"),
    ({"x": {}, "$ref": "#/x"}, "$.$ref", "no schema stands at `#/x`"),
    ({"default": {"a": {}}, "$ref": "#/default/a"}, "$.$ref", "no schema stands"),
    (
        {
            "$defs": {
                "a": {"$id": "a", "$dynamicAnchor": "n"},
                "b": {"$id": "b", "$dynamicAnchor": "n", "items": {"$dynamicRef": "#n"}},
            }
        },
        "$.$defs.b.items.$dynamicRef",
        "could lead to several places",
    ),
    ({"$ref": "#"}, "$", "leads back to itself"),
    ({"not": {"$ref": "#"}}, "$", "leads back to itself"),
    ({"$defs": {"x": {"anyOf": [{"$ref": "#/$defs/x"}]}}}, "$.$defs.x", "leads back to itself"),
    (doubling(40), "$", "multiply into too many schemas"),
    (deep(70), "$", "nested deeper than 64 levels"),
    ({"anyOf": [{}] * 10_001}, "$", "more than 10,000 parts"),
    ({"minLength": -1}, "$.minLength", "-1 is less than the minimum of 0"),
    ({"enum": "red"}, "$.enum", "must be an array, not a string"),
    ({"pattern": "(?=a)"}, "$.pattern", "look-around and back-references are not supported"),
    ({"pattern": "("}, "$.pattern", "the pattern can't be compiled"),
    ({"pattern": "((a{100}){100}){100}"}, "$.pattern", "the pattern can't be compiled"),
    ({"patternProperties": {"(?!a)": {}}}, '$.patternProperties["(?!a)"]', "can't be compiled"),
]


@pytest.mark.parametrize(("schema", "path", "words"), FAULTS)
def test_a_fault_of_a_schema_is_told_with_its_path(schema: Any, path: str, words: str) -> None:
    faults = schema_faults(schema)
    assert any(fault["path"] == path and words in fault["message"] for fault in faults), faults
    if isinstance(schema, dict):
        with pytest.raises(SchemaError) as raised:
            compile_schema(schema)
        assert raised.value.faults == faults


def test_all_faults_of_a_schema_are_told_at_once() -> None:
    schema = {
        "properties": {"a": {"type": "strin"}, "b": {"required": True}, "c": {"$schema": "x"}},
        "$defs": {"d": 3},
    }
    paths = {fault["path"] for fault in schema_faults(schema)}
    assert paths == {
        "$.properties.a.type", "$.properties.b.required", "$.properties.c.$schema", "$.$defs.d",
    }  # fmt: skip
    several = schema_faults({"minLength": -1, "properties": {"a": {"maxItems": "x"}}})
    assert {fault["path"] for fault in several} == {"$.minLength", "$.properties.a.maxItems"}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"properties": {"type": {"type": "string"}, "$ref": {"type": "image"}, "items": True}},
        {"properties": {"child": {"$ref": "#"}}},
        {"$id": "https://example.com/me", "$ref": "#/$defs/a", "$defs": {"a": {}}},
        {"$id": "https://a.b/me", "items": {"$ref": "me#it"}, "$defs": {"x": {"$anchor": "it"}}},
        {"$id": "urn:example:me", "items": {"$ref": "#"}},
        {"$dynamicAnchor": "node", "items": {"$dynamicRef": "#node"}},
        {"definitions": {"a/b~c": {}}, "items": {"$ref": "#/definitions/a~1b~0c"}},
        {"definitions": {"a b": {}}, "items": {"$ref": "#/definitions/a%20b"}},
        {"prefixItems": [{}, {"$ref": "#/prefixItems/0"}]},
        {"const": {"type": "nonsense", "$ref": "nowhere"}, "enum": [{"properties": 3}]},
        doubling(10),
        deep(60),
    ],
)  # fmt: skip
def test_a_sound_schema_has_no_faults_and_compiles(schema: dict[str, Any]) -> None:
    assert schema_faults(schema) == []
    assert isinstance(compile_schema(schema).violations({}), list)


def test_the_largest_schema_that_is_taken_checks_a_value_in_no_time() -> None:
    checker = compile_schema(doubling(14))
    started = time.monotonic()
    assert checker.violations(1) != []
    assert time.monotonic() - started < 2


def test_a_schema_may_not_double_itself_on_the_way_down_either() -> None:
    twice = [
        {"properties": {"c": {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2}}} for n in range(40)
    ]
    schema = {"$defs": {str(n): node for n, node in enumerate([*twice, {}])}, "$ref": "#/$defs/0"}
    (fault,) = schema_faults(schema)
    assert "multiply into too many schemas" in fault["message"]


def test_a_chain_of_thousands_of_references_is_refused() -> None:
    chain: dict[str, Any] = {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(2000)}
    (fault,) = schema_faults({"$defs": {**chain, "2000": {}}})
    assert "too many references lead on to references" in fault["message"]


def recursive_union(branches: int) -> dict[str, Any]:
    """Expressions of several kinds, each of which holds an expression: as authors write them."""
    kinds = [
        {
            "properties": {"kind": {"const": str(n)}, "inner": {"$ref": "#/$defs/expression"}},
            "required": ["kind"],
        }
        for n in range(branches)
    ]
    return {
        "$defs": {"expression": {"oneOf": kinds}},
        "properties": {"a": {"$ref": "#/$defs/expression"}, "b": {"type": "integer"}},
    }


def expression(depth: int, kind: str) -> dict[str, Any]:
    value = {"kind": kind}
    for _ in range(depth):
        value = {"kind": "0", "inner": value}  # type: ignore[dict-item]
    return value


@pytest.mark.parametrize("depth", [2, 6, 60])
def test_a_wrong_value_of_a_recursive_union_is_told_in_time_however_deep(depth: int) -> None:
    checker = compile_schema(recursive_union(8))
    started = time.monotonic()
    assert checker.violations({"a": expression(depth, "1"), "b": 1}) == []
    faults = checker.violations({"a": expression(depth, "nonsense"), "b": 1})
    assert [fault["path"] for fault in faults] == ["$.a"]
    assert time.monotonic() - started < 2


def test_a_large_wrong_value_of_a_simple_schema_is_still_told_in_detail() -> None:
    checker = compile_schema({"properties": {"a": {"items": {"type": "integer"}}}})
    faults = checker.violations({"a": [*range(20_000), "x"]})
    assert [fault["path"] for fault in faults] == ["$.a[20000]"]


def test_a_pattern_that_would_hang_a_backtracking_engine_is_answered_at_once() -> None:
    checker = compile_schema({"properties": {"a": {"pattern": "^(a+)+$"}}})
    started = time.monotonic()
    assert checker.violations({"a": "a" * 50_000 + "b"}) != []
    assert time.monotonic() - started < 2


def test_defaults_and_files_of_an_unsound_schema_are_refused_as_well() -> None:
    with pytest.raises(SchemaError, match="no type `strin`"):
        fill_defaults({"type": "strin"}, {})


WITHOUT_SERVER = """
import sys
sys.modules["jsonschema_rs"] = None
sys.modules["packaging"] = None
import json
from puras.bundle.schema import can_compile, fill_defaults, schema_faults
from puras.bundle.requirements import fault_of
assert not can_compile()
print(json.dumps([
    schema_faults({"type": "strin"}),
    schema_faults({"minLength": -1}),
    fill_defaults({"properties": {"a": {"default": 1}}}, {}),
    [line for line in sys.argv[1:] if fault_of(line)],
]))
"""


def test_a_base_installation_tells_the_faults_of_the_dialect_and_fills_defaults() -> None:
    lines = ["pillow", "pillow>=11, <12", "a[b,c]==1 ; python_version>'3'", "a@https://x.y/z.whl"]
    wrong = ["./local", "-r other.txt", "https://x.y/z.whl", "pillow 11", "a @ file:///x"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVER, *lines, *wrong],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    dialect, compiled, filled, refused = json.loads(done.stdout)
    assert dialect[0]["path"] == "$.type"
    assert compiled == []
    assert filled == {"a": 1}
    assert refused == wrong


KEYWORDS = (
    "type properties items $ref $defs a anyOf allOf not required $id $anchor default if then "
    "prefixItems dependentSchemas enum"
)
WORDS = st.sampled_from(["string", "image", "#", "#/$defs/a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS.split()), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(
    st.dictionaries(st.sampled_from(["type", "$ref", "$defs", "anyOf", "properties"]), JSON), JSON
)
def test_whatever_is_called_a_schema_either_has_faults_or_works(schema: Any, value: Any) -> None:
    if schema_faults(schema):
        return
    filled = fill_defaults(schema, {"a": value})
    assert fill_defaults(schema, filled) == filled
    compile_schema(schema).violations(filled)
