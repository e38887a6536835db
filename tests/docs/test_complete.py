"""Nothing public is missing from the documentation, and nothing in it is made up."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import puras
from puras import errors, wire
from puras.bundle.dialect import DIALECT_TYPES
from puras.bundle.skill_keys import KEYS

from .pages import ALL, ROOT, name

_SOURCE = "\n".join(file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py"))
_VARIABLE = re.compile(r"\bPURAS_[A-Z0-9_]*[A-Z0-9]\b")
_READ = sorted(set(_VARIABLE.findall(_SOURCE)))
_WHY = sorted((ROOT / "docs" / "why").glob("*.md"))
_EVERYWHERE = {"store.py", "routes.py", "queries.sql", "queries.postgres.sql"}
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def reference(page: str) -> str:
    return (ROOT / "docs" / "reference" / f"{page}.md").read_text("utf-8")


def test_the_generated_places_are_up_to_date() -> None:
    script = ROOT / "scripts" / "reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", errors.CODES)
def test_an_error_code_is_in_the_reference_with_its_status(code: str) -> None:
    assert f"| `{code}` | {errors.CODES[code].status} |" in reference("errors")


def test_the_error_codes_of_jobs_are_explained_and_no_others() -> None:
    table = reference("errors").partition("## Codes of a job")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(
        get_args(wire.JobErrorCode)
    )


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 130])
def test_an_exit_code_is_in_the_reference(code: int) -> None:
    assert f"\n{code}  " in reference("cli")


def test_every_error_class_is_drawn() -> None:
    for value in vars(errors).values():
        if inspect.isclass(value) and issubclass(value, errors.PurasError):
            assert re.search(rf"\b{value.__name__}\b", reference("errors"))


def test_the_event_types_are_explained_and_no_others() -> None:
    types = reference("events").partition("## Types")[2].partition("## ")[0]
    sent = re.findall(r"^\| `(\w+)` \|", types, re.MULTILINE)
    kept_for_later = re.findall(r"`(\w+)`", types.partition("does not send")[2])
    assert sorted(sent + kept_for_later) == sorted(get_args(wire.EventType))


@pytest.mark.parametrize("public", puras.__all__)
def test_a_public_name_is_in_the_reference(public: str) -> None:
    assert re.search(rf"\b{public}\b", reference("sdk") + reference("errors"))


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_skill_yaml_is_explained(key: str) -> None:
    assert f"`{key}`" in reference("skill-yaml").partition("<!-- end -->")[2]


@pytest.mark.parametrize("kind", sorted(DIALECT_TYPES))
def test_a_type_of_the_dialect_is_explained(kind: str) -> None:
    assert f"`{kind}`" in reference("skill-yaml").partition("## The schema dialect")[2]


@pytest.mark.parametrize("limit", [name for name in vars(wire) if name.startswith("MAX_")])
def test_a_limit_of_the_wire_is_in_the_reference(limit: str) -> None:
    assert f"<!-- puras.wire:{limit} -->" in reference("limits")


@pytest.mark.parametrize("variable", _READ)
def test_a_variable_that_the_code_names_is_in_the_reference(variable: str) -> None:
    assert f"`{variable}`" in reference("settings")


@pytest.mark.parametrize("page", ALL, ids=name)
def test_a_page_names_no_variable_that_the_code_does_not(page: Path) -> None:
    assert set(_VARIABLE.findall(page.read_text("utf-8"))) <= set(_READ)


@pytest.mark.parametrize("page", ALL, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text("utf-8")):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), f"{name(page)}: {target}"
            assert not anchor or anchor in set(_anchors(file)), f"{name(page)}: {target}"


def test_every_page_can_be_found_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in _LINK.findall(index.read_text())}
    linked |= {
        (_WHY[0].parent / target).resolve() for target in _LINK.findall(_WHY[-1].read_text())
    }
    assert {page for page in ALL if page.parent.parent == ROOT / "docs"} <= linked


@pytest.mark.parametrize("page", [ROOT / "ARCHITECTURE.md", *_WHY], ids=name)
def test_a_page_names_no_module_that_does_not_exist(page: Path) -> None:
    places = (ROOT, ROOT / "src" / "puras", ROOT / "src" / "puras" / "server")
    clients = ROOT / "src" / "puras" / "client"
    for path in re.findall(r"`([\w/.]+\.(?:py|sql|json))`", page.read_text("utf-8")):
        known = any((place / path).exists() for place in (*places, clients))
        assert known or path in _EVERYWHERE, f"{name(page)}: {path}"


def test_the_architecture_shows_no_folder_that_does_not_exist() -> None:
    layout = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```")[1]
    for folder in re.findall(r"\b([a-z]+)/(?= )", layout):
        assert any((ROOT / "src").rglob(folder)) or (ROOT / folder).is_dir(), folder
    for module in re.findall(r"\b[a-z_]+\.py\b", layout):
        assert any((ROOT / "src").rglob(module)), module


def _anchors(page: Path) -> Iterator[str]:
    for title in re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
