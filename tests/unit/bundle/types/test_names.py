"""Names are readable, and each is there once."""

from __future__ import annotations

import re

import pytest

from puras.bundle.types.names import TAKEN, pascal
from puras.bundle.types.python import python
from puras.bundle.types.skills import Signature, types_of_skills
from puras.bundle.types.typescript import typescript

from .schemas import NAMES, inputs_of


def names(*paths: str) -> list[str]:
    return [each.name for each in types_of_skills([Signature(p, "", {}, None) for p in paths])]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("ugc-ad", "UgcAd"),
        ("ugc_ad", "UgcAd"),
        ("stripEXIF", "StripEXIF"),
        ("3d-model", "_3dModel"),
        ("größe", "GrE"),
        ("", "Value"),
    ],
)
def test_a_name_is_in_pascal_case(name: str, written: str) -> None:
    assert pascal(name) == written


def test_skills_that_share_a_name_are_told_apart_by_their_skillpack() -> None:
    assert names("ads/ad", "acme/new/ad", "ads/other") == ["NewAd", "AdsAd", "Other"]
    assert names("acme/ads/ad", "other/ads/ad") == ["AdsAd", "OtherAdsAd"]
    assert names("p/a-b", "p/a_b") == ["PAB", "PAB2"]


def test_a_skill_never_takes_the_names_of_another_one() -> None:
    assert names("p/ad", "p/ad-inputs", "p/ad-result") == ["Ad", "PAdInputs", "PAdResult"]


@pytest.mark.parametrize("name", ["record", "any", "none", "typed-dict", "typed-puras", "literal"])
def test_a_skill_never_takes_a_name_that_the_file_needs(name: str) -> None:
    assert pascal(name) in TAKEN
    assert names(f"my/{name}") == [f"My{pascal(name)}"]


_FILE = {"properties": {"a": {"type": "image"}}}


def test_all_that_the_files_use_is_kept_free() -> None:
    skills = types_of_skills([Signature("p/s", "", _FILE, None)])
    for text in (typescript(skills, command=""), python(skills, command="")):
        used = set(
            re.findall(r"\b[A-Z]\w+", re.sub(r'/\*.*?\*/|""".*?"""|//.*', "", text, flags=re.S))
        )
        own = {name for name in used if re.match(r"S(Inputs|Result)?$", name)}
        assert used - own - {"TYPE_CHECKING"} <= TAKEN


def test_parts_that_would_be_called_the_same_get_numbers() -> None:
    part = {"properties": {"x": {"type": "null"}}}
    schema = {"properties": {"a-b": part, "a_b": part, "c": {"$ref": "#/$defs/aB"}}}
    written = inputs_of(schema | {"$defs": {"aB": part}}, lang="ts")
    assert re.findall(r"interface (\w+)", written) == [
        "SInputs", "SInputsAB", "SInputsAB2", "SInputsAB3"
    ]  # fmt: skip


def test_names_that_are_no_identifiers_are_quoted() -> None:
    schema = {"properties": {name: {"type": "null"} for name in NAMES}}
    typescript = inputs_of(schema, lang="ts")
    for line in ('"aspect-ratio"?: null;', '"q\\""?: null;', '""?: null;', "class?: null;"):
        assert f"  {line}\n" in typescript
    assert "SInputs = TypedDict(" in inputs_of(schema, lang="py")


@pytest.mark.parametrize("name", ["class", "__x", "list", "a-b", "1", "ﬁ", "SInputs", "Any"])
def test_a_dict_with_a_name_that_no_class_can_have_is_written_as_a_call(name: str) -> None:
    written = inputs_of({"properties": {name: {"description": "D", "type": "null"}}}, lang="py")
    assert written == (
        'SInputs = TypedDict(\n    "SInputs",\n    {\n        # D\n'
        f'        "{name}": "NotRequired[None]",\n    }},\n)\n'
    )
    assert "class SInputs(TypedDict):" in inputs_of({"properties": {"_x": {}}}, lang="py")
