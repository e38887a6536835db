"""Everything that the README, the tutorial and the how-to pages tell their reader to do works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from puras.bundle.validate import check_folder

from .conftest import Reader
from .pages import RUN, Block, blocks, name

_CHECKED = {"python", "console", "yaml", "text", "json", "js", "tsx"}
_MOST_NOT_RUN = 6
_ACTS = {
    "console": Reader.shell,
    "python": Reader.python,
    "js": Reader.javascript,
    "tsx": Reader.check_component,
}


@pytest.mark.parametrize("page", RUN, ids=name)
def test_a_page_can_be_followed_from_its_beginning_to_its_end(reader: Reader, page: Path) -> None:
    printed = ""
    for block in blocks(page):
        place = f"{name(page)}:{block.line}"
        if block.is_output:
            _compare(block, printed, place)
        elif block.is_run:
            printed = _follow(block, reader, place)


@pytest.mark.parametrize("page", RUN, ids=name)
def test_each_block_is_of_a_language_that_can_be_checked(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= _CHECKED


def test_few_blocks_are_not_run() -> None:
    skipped = [block for page in RUN for block in blocks(page) if not block.is_run]
    assert len(skipped) <= _MOST_NOT_RUN


def _follow(block: Block, reader: Reader, place: str) -> str:
    """Do what a block says; return what it printed."""
    if block.file is not None:
        reader.write(block.file, block.text)
    elif block.language == "yaml":
        _check_fragment(block, reader.folder, place)
    elif block.language in _ACTS:
        done = _ACTS[block.language](reader, block.text)
        assert done.returncode == 0, f"{place}\n{done.stdout}\n{done.stderr}"
        return done.stdout
    return ""


def _check_fragment(block: Block, folder: Path, place: str) -> None:
    """Check a part of a `skill.yaml`, in a bundle that has the rest."""
    skill = folder / "fragments" / f"line-{block.line}" / "part"
    skill.mkdir(parents=True)
    (skill / "main.py").write_text("def run(**inputs):\n    return inputs\n")
    (skill / "SKILL.md").write_text("Do it.\n")
    rest = "" if "entrypoint:" in block.text else "entrypoint: main.py:run\n"
    (skill / "skill.yaml").write_text(rest + block.text)
    assert check_folder(skill.parent)[1] == [], place


def _compare(block: Block, printed: str, place: str) -> None:
    parts = [re.escape(part) for part in block.text.strip().split("…")]
    assert re.fullmatch(".*?".join(parts), printed.strip(), re.DOTALL), (
        f"{place} expects\n{block.text}\nand got\n{printed}"
    )
