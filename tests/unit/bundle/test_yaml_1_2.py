from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.bundle.yaml_1_2 import MAX_YAML_BYTES, YAMLFault, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("9:16", "9:16"),
        ("2026-01-31", "2026-01-31"),
        ("1_000", "1_000"),
        ("0b101", "0b101"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("''", ""),
        ("'1'", "1"),
        ("!!str 3", "3"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_scalars_are_read_as_the_1_2_core_schema_reads_them(text: str, value: Any) -> None:
    read = read_yaml(f"key: {text}")["key"]
    assert read == value
    assert type(read) is type(value)


def test_keys_are_strings_whatever_they_look_like() -> None:
    assert read_yaml("1: a\non: b\nnull: c\n<<: d") == {"1": "a", "on": "b", "null": "c", "<<": "d"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: &x 1\nb: *x", 1, "anchors and aliases are not allowed"),
        ("b: 1\na: *x", 2, "anchors and aliases are not allowed"),
        ("a: 1\nb: 2\na: 3", 3, "`a` is written twice"),
        ("a:\n  b: 1\n  b: 2", 3, "`b` is written twice"),
        ("a: .inf", 1, "JSON has no number `.inf`"),
        ("a: 1e999", 1, "JSON has no number `1e999`"),
        ("a: .nan", 1, "JSON has no number `.nan`"),
        ("a: !!float x", 1, "JSON has no number `x`"),
        ("a: !!int x", 1, "no whole number"),
        ("a: " + "1" * 5000, 1, "too many digits"),
        ("a: !!binary aa", 1, "is not allowed: only plain JSON values"),
        ("a: 1\nb: !mine 3", 2, "the tag `!mine` is not allowed"),
        ("!!python/object/apply:os.system [true]", 1, "is not allowed"),
        ("? [a]\n: 1", 1, "a key must be a plain word"),
        ("a: " + "[" * 80 + "]" * 80, 1, "nested deeper than 64 levels"),
        ("a: [", 1, "expected the node content"),
        ("a:\n\t- b", 2, "cannot start any token"),
        ("---\na: 1\n---\nb: 2", 3, "found another document"),
        ("a: \x01", 1, "special characters are not allowed"),
        ("a: " + "x" * MAX_YAML_BYTES, 1, "over 256 KiB"),
    ],
)
def test_what_json_can_not_hold_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(YAMLFault) as raised:
        read_yaml(text)
    assert raised.value.line == line
    assert words in str(raised.value)


def test_an_empty_text_is_none() -> None:
    assert read_yaml("") is None
    assert read_yaml("# only a comment") is None


KEYS = st.text(
    max_size=100
)  # YAML takes a longer one, escaped to over 1024 characters, only after `?`
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_json_is_yaml_and_reads_as_itself(value: Any) -> None:
    assert read_yaml(json.dumps(value)) == value


def test_half_a_character_becomes_the_replacement_character() -> None:
    assert read_yaml('"a": "\\ud83d\\ude00 \\ud83d"') == {"a": "\U0001f600 \ufffd"}


@given(st.text(max_size=200))
def test_every_text_is_either_json_or_a_fault_with_a_line(text: str) -> None:
    line, value = 1, None
    try:
        value = read_yaml(text)
    except YAMLFault as fault:
        line = fault.line
    assert line >= 1
    json.dumps(value, allow_nan=False).encode()
