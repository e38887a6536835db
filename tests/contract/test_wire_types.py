"""The TypeScript SDK has every type of the wire, and no other."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Literal, NotRequired, get_origin, get_type_hints, is_typeddict

import pytest

from puras import wire

ROOT = Path(__file__).parents[2]
WRITTEN = (ROOT / "sdk/typescript/src/wire.ts").read_text("utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "wire_typescript", ROOT / "scripts/wire_typescript.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_from_the_wire_is_up_to_date() -> None:
    command = [sys.executable, ROOT / "scripts/contract.py", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_every_type_of_the_wire_is_exported_and_no_other() -> None:
    types = {
        name
        for name, value in vars(wire).items()
        if is_typeddict(value) or get_origin(value) is Literal
    }
    assert set(re.findall(r"^export (?:type|interface) (\w+)", WRITTEN, re.MULTILINE)) == types


def test_every_field_has_its_name_and_may_be_missing_where_it_may() -> None:
    for name, value in vars(wire).items():
        if not is_typeddict(value):
            continue
        written = re.search(rf"interface {name}\b(.*?)\{{\n(.*?)^\}}", WRITTEN, re.S | re.M)
        assert written is not None, name
        fields = dict(re.findall(r"^  (\w+)(\??): ", written[2], re.MULTILINE))
        hints = {
            field: "?" if get_origin(hint) is NotRequired else ""
            for field, hint in get_type_hints(value, include_extras=True).items()
        }
        base = re.search(r"extends (\w+)", written[1])
        assert fields == {
            field: mark
            for field, mark in hints.items()
            if base is None or field not in get_type_hints(getattr(wire, base[1]))
        }


@pytest.mark.parametrize(
    ("python", "typescript"),
    [
        ("str", "string"),
        ("float | None", "number | null"),
        ("list[dict[str, Any]] | None", "Record<string, unknown>[] | null"),
        ("list[int | None]", "(number | null)[]"),
        ("Literal['all'] | list[str]", '"all" | string[]'),
        ("Literal[-1, 0, 1]", "-1 | 0 | 1"),
        ("Other", "Other"),
    ],
)
def test_a_type_is_translated(script: ModuleType, python: str, typescript: str) -> None:
    written = script.typescript(f"class One(TypedDict):\n    field: {python}\n")
    assert f"  field: {typescript};\n" in written


def test_a_comment_can_t_be_ended_from_inside(script: ModuleType) -> None:
    written = script.typescript('class One(TypedDict):\n    """*/ None"""\n')
    assert "/** *\\/ null */\n" in written


def test_what_has_no_counterpart_is_refused(script: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"set\[str\] has no counterpart"):
        script.typescript("class One(TypedDict):\n    field: set[str]\n")
