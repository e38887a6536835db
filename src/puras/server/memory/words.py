"""How memories are found: by whole words or their beginnings, whatever their case or accents.

The words are taken apart here, not by the databases, so that both find the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MOST_ASKED = 32
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 100


def words_of(texts: Iterable[str]) -> list[str]:
    """Return each word once, in the order of first mention, in small letters without accents."""
    found: dict[str, None] = {}
    for text in texts:
        apart = unicodedata.normalize("NFKD", text.casefold())
        bare = "".join(mark for mark in apart if not unicodedata.combining(mark))
        found |= dict.fromkeys(word[:_LONGEST] for word in _WORD.findall(bare))
    return list(found)


def search_terms(query: str, *, dialect: str) -> str | None:
    """Write a query for a database's full-text search: any of its words, or what begins with one.

    None where there is no word in it; of a long query the first 32 words count.
    """
    asked = words_of([query])[:MOST_ASKED]
    if not asked:
        return None
    if dialect == "postgres":
        return " | ".join(f"{word}:*" for word in asked)
    return " OR ".join(f'"{word}"*' for word in asked)
