"""Names of declarations: PascalCase, each once in a file, none that the file needs itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, count
from typing import Final

from puras.bundle.dialect import MANY, NAMED, ONE

TAKEN: Final = frozenset(
    {
        "Any",
        "AsyncPuras",
        "AsyncTypedPuras",
        "Callable",
        "False",
        "FileAsBase64",
        "FileAsData",
        "FileAtUrl",
        "FileInDrive",
        "FileInput",
        "JobEvent",
        "Literal",
        "Mapping",
        "Never",
        "None",
        "NotRequired",
        "Puras",
        "Record",
        "RunOptions",
        "Sequence",
        "Skills",
        "True",
        "TypeAlias",
        "TypedDict",
        "TypedPuras",
        "Unpack",
    }
)
"""What the files that are written use, in one language or the other."""

_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_KEYWORDS: Final = NAMED | MANY | ONE


def pascal(text: str) -> str:
    """Write any text as a name in PascalCase; where nothing of it can stand in one, `Value`."""
    name = "".join(word[0].upper() + word[1:] for word in _WORD.findall(text)) or "Value"
    return f"_{name}" if name[0].isdigit() else name


def of_pointer(pointer: str) -> str:
    """Name what stands at a `$ref`: by its last names, not by the keywords that lead there."""
    steps = [step for step in pointer.split("/")[1:] if step not in _KEYWORDS]
    return "".join(pascal(step).lstrip("_") for step in steps)


class Names:
    """The names of one file."""

    def __init__(self) -> None:
        self._taken = set(TAKEN)

    def claim(self, name: str) -> str:
        """Take a name that nobody else has: this one, or one with a number behind it."""
        numbered = (f"{name}{number}" for number in count(2))
        free = next(each for each in chain([name], numbered) if each not in self._taken)
        self._taken.add(free)
        return free

    def claim_group(self, stems: Iterable[str], *, endings: tuple[str, ...]) -> str:
        """Take the first stem that is free with every ending, the last one with a number if need
        be; return it."""
        *named, last = stems
        numbered = (f"{last}{number}" for number in count(2))
        free = next(
            stem
            for stem in chain(named, [last], numbered)
            if self._taken.isdisjoint(stem + ending for ending in endings)
        )
        self._taken.update(free + ending for ending in endings)
        return free
