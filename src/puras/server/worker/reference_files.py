"""Prompt files among a skill's references: each can be run as an agent of its own."""

from __future__ import annotations

import os
from pathlib import Path

from puras.wire import MAX_PROMPT_CHARACTERS

_FOLDER = "references"
_MOST_LISTED = 200


def read_prompt(skill_folder: Path, path: str) -> str | None:
    """Return the text of `references/…` in a skill's folder; None
    where it is no file in there, no text, empty or longer than a prompt may be."""
    root = os.path.realpath(skill_folder / _FOLDER)
    real = os.path.realpath(skill_folder / path)
    if not real.startswith(root + os.sep) or not os.path.isfile(real):
        return None
    try:
        with open(real, encoding="utf-8") as file:
            text = file.read(MAX_PROMPT_CHARACTERS + 1)
    except UnicodeDecodeError:
        return None
    return text if text.strip() and len(text) <= MAX_PROMPT_CHARACTERS else None


def prompt_files(skill_folder: Path) -> list[str]:
    """Return the Markdown files among a skill's references, as a call names them."""
    found = sorted((skill_folder / _FOLDER).rglob("*.md"))
    paths = [path.relative_to(skill_folder).as_posix() for path in found if path.is_file()]
    return paths[:_MOST_LISTED]
