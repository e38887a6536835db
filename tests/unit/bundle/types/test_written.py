"""Whatever the schema, what is written of it can be read, and is written in the usual form."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, get_type_hints, is_typeddict

from hypothesis import given, settings

from puras.bundle.types.python import python
from puras.bundle.types.skills import Signature, types_of_skills
from puras.bundle.types.typescript import typescript

from .schemas import schemas


def signatures(inputs: dict[str, Any], result: dict[str, Any]) -> list[Signature]:
    return [
        Signature("ads/ad", "Makes */ an ad.", inputs, result),
        Signature("ads/a-d", "", result, None),
    ]


@given(schemas(), schemas(side="result"))
@settings(max_examples=60)
def test_the_python_file_runs_and_its_annotations_are_types(
    inputs: dict[str, Any], result: dict[str, Any]
) -> None:
    text = python(types_of_skills(signatures(inputs, result)), command="puras types ads")
    names: dict[str, Any] = {"__name__": "written"}
    exec(compile(text, "written.py", "exec", dont_inherit=True), names)
    for value in list(names.values()):
        if is_typeddict(value):
            get_type_hints(value, names, {}, include_extras=True)


@given(schemas(), schemas(side="result"))
@settings(max_examples=15)
def test_a_formatter_leaves_the_python_file_as_it_is(
    inputs: dict[str, Any], result: dict[str, Any]
) -> None:
    text = python(types_of_skills(signatures(inputs, result)), command="puras types ads")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"]
    formatted = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert formatted.stdout == "", formatted.stderr


@given(schemas(), schemas(side="result"))
@settings(max_examples=30)
def test_the_same_schemas_are_always_written_alike(
    inputs: dict[str, Any], result: dict[str, Any]
) -> None:
    ordered = signatures(inputs, result)
    for printer in (typescript, python):
        one = printer(types_of_skills(ordered), command="puras types ads")
        assert one == printer(types_of_skills(ordered[::-1]), command="puras types ads")
