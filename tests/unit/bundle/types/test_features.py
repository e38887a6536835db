"""What each word of a schema becomes, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from .schemas import inputs_of, result_of

NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
JSON = {
    "anyOf": [
        {"type": ["string", "null"]},
        {"type": "array", "items": {"$ref": "#/$defs/json"}},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/json"}},
    ]
}


def only(schema: dict[str, Any], **defs: Any) -> dict[str, Any]:
    """An object with one required property `a`."""
    return {"type": "object", "properties": {"a": schema}, "required": ["a"], "$defs": defs}


@pytest.mark.parametrize(
    ("schema", "typescript", "python"),
    [
        ({"type": "string"}, "string", "str"),
        ({"type": "text"}, "string", "str"),
        ({"type": "color"}, "string", "str"),
        ({"type": "integer"}, "number", "int"),
        ({"type": "number"}, "number", "float"),
        ({"type": "boolean"}, "boolean", "bool"),
        ({"type": "null"}, "null", "None"),
        ({}, "unknown", "Any"),
        (True, "unknown", "Any"),
        (False, "never", "Never"),
        ({"type": ["integer", "null"]}, "number | null", "int | None"),
        ({"type": ["integer", "number"]}, "number", "float"),
        ({"type": ["image", "string"]}, "FileInput", "FileInput"),
        ({"enum": ["a", 1, True, None]}, '"a" | 1 | true | null', 'Literal["a", 1, True] | None'),
        ({"enum": [1.0, 1.5]}, "1 | 1.5", "Literal[1] | float"),
        ({"enum": ["a", 1], "type": "string"}, '"a"', 'Literal["a"]'),
        ({"const": 'it\'s "x"'}, '"it\'s \\"x\\""', 'Literal[\'it\\\'s "x"\']'),
        ({"const": [1, "x"]}, '[1, "x"]', 'Sequence[Literal[1, "x"]]'),
        ({"type": "array"}, "unknown[]", "list[Any]"),
        ({"items": {"type": "string"}}, "string[]", "list[str]"),
        ({"items": {"type": "number"}}, "number[]", "Sequence[float]"),
        ({"items": {"enum": ["a", "b"]}}, '("a" | "b")[]', 'Sequence[Literal["a", "b"]]'),
        ({"items": {"type": "image"}}, "FileInput[]", "list[FileInput]"),
        ({"items": {"$ref": "#/$defs/leaf"}}, "SInputsLeaf[]", "list[SInputsLeaf]"),
        ({"type": "object"}, "Record<string, unknown>", "Mapping[str, Any]"),
        ({"type": "object", "additionalProperties": False}, "Record<string, never>",
         "Mapping[str, Never]"),
        ({"additionalProperties": {"type": "integer"}}, "Record<string, number>",
         "Mapping[str, int]"),
        ({"additionalProperties": {"type": ["integer", "null"]}},
         "{ [name: string]: number | null }", "Mapping[str, int | None]"),
        ({"patternProperties": {"^x": {"type": "integer"}}}, "Record<string, number>",
         "Mapping[str, int]"),
        ({"unevaluatedProperties": {"type": "integer"}, "type": "object"},
         "Record<string, number>", "Mapping[str, int]"),
        ({"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}]}, "number",
         "int"),
        ({"allOf": [{"$ref": "#/$defs/leaf"}], "description": "x"}, "SInputsLeaf", "SInputsLeaf"),
        ({"anyOf": [{"$ref": "#/$defs/leaf"}, {"type": "null"}]}, "SInputsLeaf | null",
         "SInputsLeaf | None"),
        ({"not": {"type": "string"}, "minimum": 3, "format": "uuid"}, "unknown", "Any"),
    ],
)  # fmt: skip
def test_a_schema_becomes_a_type(schema: Any, typescript: str, python: str) -> None:
    whole = only(schema, leaf={"type": "text"})
    assert f"  a: {typescript};\n" in inputs_of(whole, lang="ts")
    assert f"    a: {python}\n" in inputs_of(whole, lang="py")


@pytest.mark.parametrize(
    ("schema", "typescript"),
    [
        ({"minItems": 2, "maxItems": 2}, "[string, number]"),
        ({"minItems": 2, "items": False}, "[string, number]"),
        ({"minItems": 5, "maxItems": 1}, "[string]"),
        ({"minItems": 1, "items": {"type": "null"}}, "[string, number?, ...null[]]"),
        ({}, "[string?, number?, ...unknown[]]"),
    ],
)
def test_first_items_become_a_tuple(schema: dict[str, Any], typescript: str) -> None:
    whole = only({"prefixItems": [{"type": "string"}, {"type": "number"}], **schema})
    assert f"  a: {typescript};" in inputs_of(whole, lang="ts")


def test_a_file_is_given_in_several_ways_and_arrives_as_a_url() -> None:
    schema = only({"type": ["image", "null"], "description": "A face."})
    assert "  /** A face. */\n  a: FileInput | null;" in inputs_of(schema, lang="ts")
    given = result_of(schema, lang="ts")
    assert "  a: string | null;" in given
    assert "A URL of an image." in given


def test_drive_paths_that_a_result_may_have_are_no_urls() -> None:
    schema = only({"type": "image", "enum": ["a.png"]})
    assert '  a: "a.png";' in inputs_of(schema, lang="ts")
    assert "  a: string;" in result_of(schema, lang="ts")


def test_inputs_are_optional_unless_required_and_without_a_default() -> None:
    schema = {
        "properties": {
            "free": {"type": "string"},
            "needed": {"type": "string"},
            "filled": {"type": "string", "default": "x"},
            "found": {"$ref": "#/$defs/filled"},
            "below": {"allOf": [{"default": 1}]},
        },
        "required": ["needed", "filled", "found", "below", "undeclared"],
        "$defs": {"filled": {"type": "string", "default": "y"}},
    }
    written = inputs_of(schema, lang="ts")
    for line in (
        "free?: string;",
        "needed: string;",
        "filled?: string;",
        "found?: SInputsFilled;",
        "below?: unknown;",
        "undeclared: unknown;",
    ):
        assert f"  {line}\n" in written
    assert "    filled: NotRequired[str]\n" in inputs_of(schema, lang="py")
    assert "    needed: str\n" in inputs_of(schema, lang="py")


def test_a_result_has_all_that_is_declared_unless_the_author_said_what_is_required() -> None:
    schema = {
        "properties": {
            "all": {"properties": {"x": {"type": "integer", "default": 1}}},
            "some": {"properties": {"x": {}, "y": {}}, "required": ["y"]},
        }
    }
    written = result_of(schema, lang="ts")
    assert "  all: SResultAll;\n  some: SResultSome;\n" in written
    assert "interface SResultAll {\n  x: number;\n}" in written
    assert "interface SResultSome {\n  x?: unknown;\n  y: unknown;\n}" in written


def test_a_result_is_what_json_becomes_and_inputs_are_as_wide_as_they_can_be() -> None:
    schema = only({"type": "array", "items": {"additionalProperties": {"type": "integer"}}})
    assert "a: Sequence[Mapping[str, int]]" in inputs_of(schema, lang="py")
    assert "a: list[dict[str, int]]" in result_of(schema, lang="py")


def test_objects_of_all_of_become_one() -> None:
    schema = {
        "allOf": [
            {"properties": {"a": {"type": ["string", "null"]}, "b": {"type": "integer"}}},
            {"$ref": "#/$defs/more"},
        ],
        "$defs": {"more": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
    }
    assert inputs_of(schema, lang="ts") == (
        "export interface SInputs {\n  a: string;\n  b?: number;\n}\n"
    )


def test_a_closed_part_of_all_of_forbids_what_another_one_allows() -> None:
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
            {"properties": {"b": {"type": "string"}}},
        ]
    }
    assert inputs_of(schema, lang="ts") == "export interface SInputs {\n  a?: string;\n}\n"


def test_one_of_several_objects_is_named_by_what_tells_it_from_the_others() -> None:
    shape = {
        "oneOf": [
            {"properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}},
            {"properties": {"kind": {"const": "big-square"}}, "title": "All four sides"},
            {"properties": {"other": {}}},
        ]
    }
    written = inputs_of(only(shape), lang="ts")
    assert "  a: SInputsACircle | SInputsABigSquare | SInputsAOption;" in written
    assert (
        '/** All four sides */\nexport interface SInputsABigSquare {\n  kind?: "big-square";'
        in (written)
    )


def test_what_must_be_there_in_one_way_or_another_is_told_apart() -> None:
    schema = {
        "properties": {"url": {"type": "string"}, "text": {"type": "string"}},
        "anyOf": [{"required": ["url"]}, {"required": ["text"]}],
    }
    written = inputs_of(schema, lang="ts")
    assert "export type SInputs = SInputsOption | SInputsOption2;" in written
    assert "interface SInputsOption {\n  url: string;\n  text?: string;\n}" in written
    assert "interface SInputsOption2 {\n  url?: string;\n  text: string;\n}" in written


def test_what_is_asked_of_objects_only_leaves_other_types_alone() -> None:
    schema = only({"type": ["string", "object"], "anyOf": [{"required": ["x"]}, {"items": {}}]})
    assert "  a: string | SInputsA | Record<string, unknown>;" in inputs_of(schema, lang="ts")


def test_alternatives_that_multiply_are_given_up_before_they_are_many() -> None:
    wide = [{"anyOf": [{"required": [f"{n}{m}"]} for m in range(4)]} for n in "abcdefgh"]
    written = inputs_of({"properties": {"x": {}}, "allOf": wide}, lang="ts")
    assert written.count("export interface") <= 16
    assert all(f"  {n}{m}" in written for m in range(4) for n in "abcdefgh")


def test_properties_under_a_condition_may_be_there() -> None:
    schema = {
        "properties": {"mode": {"enum": ["a", "b"]}},
        "if": {"properties": {"mode": {"const": "a"}}},
        "then": {"properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "else": {"properties": {"x": {"type": "string"}, "mode": {"type": "null"}}},
        "dependentSchemas": {"x": {"properties": {"y": {"type": "color"}}}},
    }
    written = inputs_of(schema, lang="ts")
    assert '  mode?: "a" | "b";\n  x?: number | string;\n  y?: string;\n}' in written


@pytest.mark.parametrize("lang", ["ts", "py"])
def test_a_type_may_lead_back_to_itself(lang: str) -> None:
    schema = only({"$ref": "#/$defs/node"}, node=NODE) | {"title": "x"}
    schema["properties"]["root"] = {"$ref": "#"}
    written = inputs_of(schema, lang=lang)
    for line in ("a: SInputsNode", "next: SInputsNode"):
        assert line in written
    assert ("root?: SInputs;" if lang == "ts" else "root: NotRequired[SInputs]") in written


def test_a_type_that_is_no_object_may_lead_back_to_itself() -> None:
    schema = only({"$ref": "#/$defs/json"}, json=JSON)
    assert (
        "export type SInputsJson = string | null | SInputsJson[] | "
        "{ [name: string]: SInputsJson };" in inputs_of(schema, lang="ts")
    )
    assert (
        'SInputsJson: TypeAlias = "str | None | list[SInputsJson] | Mapping[str, SInputsJson]"'
        in inputs_of(schema, lang="py")
    )


def test_other_keys_have_a_type_in_typescript_and_a_remark_in_python() -> None:
    schema = only({"type": "integer"}) | {"additionalProperties": {"type": "string"}}
    assert "  [name: string]: string | number;\n" in inputs_of(schema, lang="ts")
    schema["required"] = []
    assert "  [name: string]: string | number | undefined;\n" in inputs_of(schema, lang="ts")
    assert '"""There may be more keys than these' in inputs_of(schema, lang="py")
    schema["additionalProperties"] = False
    assert "[name: string]" not in inputs_of(schema, lang="ts")
    assert "more keys" not in inputs_of(schema, lang="py")


def test_a_schema_that_leads_on_too_far_becomes_an_open_object() -> None:
    chain = {f"n{at}": {"allOf": [{"$ref": f"#/$defs/n{at + 1}"}]} for at in range(120)}
    last = {"n120": {"properties": {"deep": {"type": "string"}}}}
    schema = {"$ref": "#/$defs/n0", "type": "object", "$defs": chain | last}
    written = inputs_of(schema, lang="ts")
    assert "deep?: string;" in written or "too far" in written


def test_two_types_that_lead_back_to_themselves_may_hold_at_once() -> None:
    one = {"properties": {"next": {"$ref": "#/$defs/one"}, "a": {"type": "null"}}}
    two = {"properties": {"next": {"$ref": "#/$defs/two"}, "b": {"type": "null"}}}
    both = {"allOf": [{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}]}
    written = inputs_of(only(both, one=one, two=two), lang="ts")
    assert "interface SInputsA {\n  next?: SInputsANext;\n  a?: null;\n  b?: null;\n}" in written
    assert (
        "interface SInputsANext {\n  next?: SInputsOne | SInputsTwo;\n  a?: null;\n  b?: null;\n}"
        in written
    )


def test_no_schema_takes_long() -> None:
    fork = [{"properties": {f"p{at}": {"type": "null"}}} for at in range(3)]
    chain = {
        f"n{at}": {"anyOf": fork, "allOf": [{"$ref": f"#/$defs/n{at + 1}"}]} for at in range(40)
    }
    inputs_of({"$ref": "#/$defs/n0", "$defs": {**chain, "n40": {"anyOf": fork}}}, lang="ts")
    wide = {"enum": [f"option-{at}" for at in range(5_000)], "type": "string"}
    inputs_of(only({"allOf": [wide, {"type": "string"}]}), lang="py")
    deep: dict[str, Any] = {"type": "null"}
    for _ in range(9):
        deep = {"anyOf": [{"properties": {"x": deep}}, {"properties": {"x": deep, "y": {}}}]}
    inputs_of(only({"allOf": [deep, deep]}), lang="ts")
