"""What an author tells goes into comments, and never further."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from .schemas import inputs_of


def told(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"description": description, **more}}}


def test_descriptions_titles_and_defaults_are_told() -> None:
    schema = {
        "description": "All of it.",
        "properties": {
            "a": {"description": "First.", "default": [1, "é"]},
            "b": {"title": "Second", "default": "x" * 100},
            "c": {"description": "Third.", "deprecated": True},
            "d": {"patternProperties": {"^x-": {}}},
        },
    }
    written = inputs_of(schema, lang="ts")
    assert written.startswith("/** All of it. */\nexport interface SInputs {\n")
    assert '  /**\n   * First.\n   *\n   * Default: `[1, "é"]`.\n   */\n  a?' in written
    assert "  /** Second */\n  b?" in written
    assert "   * Third.\n   *\n   * @deprecated\n" in written
    assert "  /** Names match `^x-`. */\n" in written
    python = inputs_of(schema, lang="py")
    assert '"""All of it."""' in python
    assert '    """Third.\n\n    Deprecated.\n    """' in python


@pytest.mark.parametrize(
    "text",
    [
        '"""',
        "ends\\",
        'ends "',
        "*/ evil()",
        '\\"""; evil()',
        "\u202eevil\x00",
        "a\n\n  b\n",
        '"a"',
    ],
)
def test_a_comment_ends_where_it_should(text: str) -> None:
    python = inputs_of(told(text), lang="py")
    (declared,) = ast.parse(python).body
    assert isinstance(declared, ast.ClassDef)
    assert len(declared.body) == 2
    typescript = inputs_of(told(text), lang="ts")
    _, end, rest = typescript.partition("*/")
    assert (end, rest.strip()) == ("*/", "a?: unknown;\n}")
    for written in (python, typescript):
        assert written.isprintable() or written.replace("\n", "").isprintable()


def test_a_literal_means_what_the_schema_says() -> None:
    for text in ['"', "'", "\\", "'\"", "\u2028", "\x7f", "\ud800", "é🎉", "\u202e", "\n"]:
        python = inputs_of(told("", const=text), lang="py").rpartition("Literal[")[2]
        assert ast.literal_eval(python.rstrip().removesuffix("]]")) == text
        typescript = inputs_of(told("", const=text), lang="ts")
        assert json.loads(typescript.partition("a?: ")[2].partition(";\n}")[0]) == text


def test_long_descriptions_are_broken_into_lines() -> None:
    schema = told("word " * 60)
    assert max(map(len, inputs_of(schema, lang="ts").splitlines())) <= 100
    assert max(map(len, inputs_of(schema, lang="py").splitlines())) <= 88
