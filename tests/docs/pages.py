"""Reads the documentation's pages: their code blocks, links, commands, and what is said of them.

What a comment before a block says:

    <!-- not run: why -->   the block can't be run
    <!-- prints -->         the block is what the one before it prints; `…` stands for anything
    <!-- before             a script of its own that makes what the page takes for granted
    …
    -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    *sorted((ROOT / "docs" / "howto").glob("*.md")),
    ROOT / "sdk" / "typescript" / "README.md",
]
"""The pages whose blocks are run."""

ALL = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *RUN})

_PART = re.compile(
    r"^<!-- (?P<note>not run: .+?|prints|before\n(?P<script>.*?)) ?-->$"
    r"|^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_FILE = re.compile(r"# ([\w./-]+\.\w+)\n")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block, or the script of a `before` comment. `line` is where it begins."""

    language: str
    text: str
    line: int
    note: str = ""

    @property
    def is_run(self) -> bool:
        return not self.note.startswith("not run")

    @property
    def is_output(self) -> bool:
        return self.note == "prints"

    @property
    def file(self) -> str | None:
        """The path that a block names in its first line: it is that file, and not run."""
        found = _FILE.match(self.text) if self.language in ("python", "yaml", "text") else None
        return found[1] if found else None


def blocks(page: Path) -> Iterator[Block]:
    text, note = page.read_text("utf-8"), ""
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part["script"] is not None:
            yield Block("console", part["script"], line)
        elif part["note"] is not None:
            note = part["note"]
        else:
            yield Block(part["language"], part["text"], line, note)
            note = ""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))
