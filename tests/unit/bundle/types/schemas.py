"""Schemas of the dialect with values that fit them, and what is written of a schema."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from puras.bundle.dialect import FILE_TYPES
from puras.bundle.types.python import python
from puras.bundle.types.skills import Signature, types_of_skills
from puras.bundle.types.typescript import typescript

NAMES = ["a", "b", "list", "class", "aspect-ratio", "__x", "Größe", 'q"', "", "str", "$ref", "*/"]
TEXTS = ["plain", 'ends "', "*/ */", '""" """', "back\\", "two\nlines", "\u202e\u2028\x00", "ok"]
_CONSTANTS: list[Any] = ["a", "b'\"", 1, 1.5, True, None, [1, "x"], {"k": "v"}]


_NOTHING = {
    "ts": "export type {name} = Record<string, unknown>;\n",
    "py": "{name}: TypeAlias = {kind}[str, Any]\n",
}
_BEFORE = {
    "ts": ("base64: string };\n\n", 'from "puras";\n\n'),
    "py": ('of them it is."""\n\n\n', "Puras\n\n\n"),
}


def inputs_of(schema: dict[str, Any], *, lang: str) -> str:
    """Write a schema as that of the inputs of a skill named `s`; return its declarations."""
    text = _written(Signature("p/s", "", schema, None), lang)
    before = next(each for each in _BEFORE[lang] if each in text)
    after = _NOTHING[lang].format(name="SResult", kind="dict")
    return text.partition(before)[2].partition(after)[0].rstrip("\n") + "\n"


def result_of(schema: dict[str, Any], *, lang: str) -> str:
    """Write a schema as that of the result of a skill named `s`; return its declarations."""
    before = _NOTHING[lang].format(name="SInputs", kind="Mapping")
    after = "/** `p/s` */" if lang == "ts" else "class RunOptions"
    text = _written(Signature("p/s", "", {}, schema), lang).partition(before)[2]
    return text.partition(after)[0].strip("\n") + "\n"


def _written(signature: Signature, lang: str) -> str:
    printer = typescript if lang == "ts" else python
    return printer(types_of_skills([signature]), command="puras types p")


@st.composite
def schemas(draw: DrawFn, depth: int = 3, *, side: str = "inputs") -> dict[str, Any]:
    """Draw a sound schema of an object."""
    schema = draw(_objects(depth, side))
    schema["$defs"] = {
        "leaf": draw(_schemas(1, side)),
        "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
        | ({"required": []} if side == "result" else {}),
    }
    return schema


def _schemas(depth: int, side: str) -> SearchStrategy[dict[str, Any]]:
    leaves = st.sampled_from(["string", "number", "integer", "boolean", "null", "text", "image"])
    simple = st.one_of(
        leaves.map(lambda name: {"type": name}),
        st.lists(leaves, min_size=1, max_size=3, unique=True).map(lambda names: {"type": names}),
        st.lists(st.sampled_from(_CONSTANTS), min_size=1, max_size=4).map(
            lambda values: {"enum": values}
        ),
        st.sampled_from(_CONSTANTS).map(lambda value: {"const": value}),
        st.just({}),
    )
    if depth <= 1:
        return simple
    named = st.sampled_from(["leaf", "node"]).map(lambda name: {"$ref": f"#/$defs/{name}"})
    made = (_objects(depth - 1, side), _arrays(depth, side), _eithers(depth, side))
    return _told(st.one_of(simple, named, *made))


def _told(inner: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    return st.tuples(inner, st.none() | st.sampled_from(TEXTS)).map(
        lambda both: both[0] if both[1] is None else {**both[0], "description": both[1]}
    )


@st.composite
def _objects(draw: DrawFn, depth: int, side: str) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: draw(_schemas(depth, side)) for name in names},
    }
    if draw(st.booleans()) or side == "inputs":
        schema["required"] = [name for name in names if draw(st.booleans())]
    more = draw(st.sampled_from(["none", "closed", "open", "typed", "allOf", "required"]))
    if more == "closed":
        schema["additionalProperties"] = False
    elif more == "open":
        schema["additionalProperties"] = True
    elif more == "typed":
        schema["additionalProperties"] = draw(_schemas(1, side))
    elif more == "allOf":
        schema["allOf"] = [draw(_objects(1, side))]
    elif more == "required" and names:
        schema["anyOf"] = [{"required": [name]} for name in names]
    return schema


@st.composite
def _arrays(draw: DrawFn, depth: int, side: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array"}
    if draw(st.booleans()):
        schema["items"] = draw(_schemas(depth - 1, side))
    if draw(st.booleans()):
        schema["prefixItems"] = draw(st.lists(_schemas(depth - 1, side), min_size=1, max_size=3))
        schema["minItems"] = draw(st.integers(0, 3))
        if draw(st.booleans()):
            schema["maxItems"] = draw(st.integers(schema["minItems"], 4))
    return schema


@st.composite
def _eithers(draw: DrawFn, depth: int, side: str) -> dict[str, Any]:
    key = draw(st.sampled_from(["anyOf", "oneOf", "allOf"]))
    return {key: draw(st.lists(_schemas(depth - 1, side), min_size=1, max_size=3))}


@st.composite
def values(draw: DrawFn, schema: dict[str, Any], root: dict[str, Any], depth: int = 6) -> Any:
    """Draw a value that may well fit a schema that was drawn above."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from(schema.get("enum", [schema.get("const")])))
    branches = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, [])]
    if "type" not in schema and branches:
        return draw(values(draw(st.sampled_from(branches)), root, depth))
    named = schema.get("type", "string")
    name = named if isinstance(named, str) else draw(st.sampled_from(named))
    if name == "object":
        return draw(_members(schema, root, depth))
    if name == "array":
        return draw(_items(schema, root, depth))
    return draw(_SIMPLE["file" if name in FILE_TYPES else name])


_SIMPLE: dict[str, SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "a", "x"]),
    "text": st.just("two\nlines"),
    "file": st.just("uploads/a.png"),
    "number": st.sampled_from([0, 1, 1.5, -2]),
    "integer": st.sampled_from([0, 1, 7]),
    "boolean": st.booleans(),
    "null": st.none(),
}


@st.composite
def _members(draw: DrawFn, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    declared = dict(schema.get("properties", {}))
    required = set(schema.get("required", ()))
    for other in schema.get("allOf", []):
        declared = {**other.get("properties", {}), **declared}
        required |= {*other.get("required", ())}
    value = {
        name: draw(values(child, root, depth - 1))
        for name, child in declared.items()
        if name in required or (depth > 0 and draw(st.booleans()))
    }
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and draw(st.booleans()):
        value["extra"] = draw(values(more, root, depth - 1))
    return value


@st.composite
def _items(draw: DrawFn, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    first = schema.get("prefixItems", [])
    length = draw(st.integers(schema.get("minItems", 0), schema.get("maxItems", 4)))
    after = schema.get("items", {})
    places = [first[at] if at < len(first) else after for at in range(length)]
    return [draw(values(each, root, depth - 1)) for each in places]
