"""How `-i` and `--json` are read."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from hypothesis import given, strategies

from puras.cli import inputs


def read(argument: str, declared: Any = None) -> Any:
    """Read one `-i`; uploads and files are told apart by what they return."""
    parsed = inputs.parse(argument)
    schema = {} if declared is None else {"properties": {parsed.name: {"type": declared}}}
    return inputs.value(
        parsed,
        schema,
        upload=lambda path: f"uploaded {path}",
        read_text=lambda path: f"text of {path}",
    )


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("name=Ada", "Ada"),
        ("name=", ""),
        ("formula=a=b", "a=b"),
        ("url=https://example.com/?q=1", "https://example.com/?q=1"),
        ("count=3", 3),
        ("ratio=0.5", 0.5),
        ("loud=true", True),
        ("nothing=null", None),
        ("list=[1, 2]", [1, 2]),
        ('object={"a": 1}', {"a": 1}),
        ("version=1.2.3", "1.2.3"),
        ("broken={a}", "{a}"),
        ("number=NaN", "NaN"),
    ],
)
def test_without_a_schema_a_value_is_json_where_it_looks_like_it(argument: str, value: Any) -> None:
    assert read(argument) == value


@pytest.mark.parametrize("declared", ["string", "text", "color", ["string", "null"]])
def test_a_declared_string_stays_as_it_was_written(declared: Any) -> None:
    assert read("code=00123", declared) == "00123"
    assert read("code=123", declared) == "123"


def test_a_declared_number_is_read_as_one() -> None:
    assert read("count=3", "integer") == 3


def test_colon_equals_is_json_whatever_is_declared() -> None:
    assert read("count:=3", "string") == 3
    assert read('name:="@ada"') == "@ada"


def test_a_file_is_uploaded() -> None:
    assert read("photo=@cat.jpg", "image") == "uploaded cat.jpg"
    assert read("photo=@cat.jpg") == "uploaded cat.jpg"
    assert read("photo=@-") == "uploaded -"


def test_a_file_for_a_declared_text_is_passed_as_that_text() -> None:
    assert read("article=@a.md", "text") == "text of a.md"
    assert read("article=@-", ["string", "null"]) == "text of -"
    assert read("article=@a.md", ["string", "file"]) == "uploaded a.md"


@pytest.mark.parametrize("argument", ["name", "=Ada", " =Ada", ":=3", "photo=@"])
def test_what_is_no_input_is_refused(argument: str) -> None:
    with pytest.raises(click.BadParameter, match="is no input"):
        inputs.parse(argument)


@pytest.mark.parametrize("argument", ["count:=three", "count:=", "count:=Infinity"])
def test_explicit_json_must_be_json(argument: str) -> None:
    with pytest.raises(click.BadParameter, match="is no JSON"):
        read(argument)


@pytest.mark.parametrize("text", ["[1]", "3", '"a"', "null"])
def test_all_inputs_at_once_must_be_an_object(text: str) -> None:
    with pytest.raises(click.BadParameter, match="must be a JSON object"):
        inputs.parse_object(text)


def test_single_inputs_win_and_the_last_one_counts() -> None:
    assert inputs.merge({"a": 1, "b": 1}, [("a", 2), ("a", 3)]) == {"a": 3, "b": 1}


def test_only_what_the_schema_can_change_asks_for_it() -> None:
    asks = {text: inputs.parse(text).depends_on_schema for text in ("a=x", "a=1", "a:=1", "a=@f")}
    assert asks == {"a=x": False, "a=1": True, "a:=1": False, "a=@f": True}


@given(
    strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
        lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_comes_through_colon_equals_unchanged(value: Any) -> None:
    assert read(f"x:={json.dumps(value)}") == value


@given(strategies.text().filter(lambda text: not text.startswith("@")))
def test_any_text_comes_through_unchanged_for_a_declared_string(text: str) -> None:
    assert read(f"x={text}", "string") == text
