"""The dashboard's built files: found by name, in the encoding that a browser takes.

They are what `make dashboard` writes into `static/`: `index.html`, files beside it, and `assets/`,
whose names change with what is in them. A file may have siblings `.br` and `.gz`, compressed when
it was built. What is not of a kind listed here is not served.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent.parent / "static"
KINDS: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}

_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True, slots=True)
class Built:
    """A file as it is sent. `etag` is another one for each encoding."""

    content: bytes = field(repr=False)
    kind: str
    etag: str
    encoding: str | None


@dataclass(slots=True)
class BuiltFiles:
    """Reads each file once, until it is built anew."""

    folder: Path = STATIC
    _read: dict[Path, tuple[tuple[int, int], Built]] = field(default_factory=dict)

    def find(self, name: str, *, accept_encoding: str = "") -> Built | None:
        """Return a file by its path in the folder; None where there is none to be served."""
        kind = KINDS.get(Path(name).suffix)
        if kind is None or _NAME.fullmatch(name) is None:
            return None
        plain = self.folder / name
        taken = accepted(accept_encoding)
        for encoding, suffix in _ENCODINGS:
            sibling = plain.with_name(plain.name + suffix)
            if encoding in taken and (found := self._load(sibling, kind, encoding)) is not None:
                return found
        return self._load(plain, kind, None)

    def _load(self, path: Path, kind: str, encoding: str | None) -> Built | None:
        try:
            state = path.stat()
            version = (state.st_mtime_ns, state.st_size)
            known = self._read.get(path)
            if known is not None and known[0] == version:
                return known[1]
            content = path.read_bytes()
        except OSError:
            return None
        digest = hashlib.sha256(content).hexdigest()[:32]
        built = Built(content, kind, f'"{digest}"', encoding)
        self._read[path] = (version, built)
        return built


def accepted(accept_encoding: str) -> set[str]:
    """Return the encodings that an `Accept-Encoding` names without refusing them."""
    taken = set()
    for part in accept_encoding.split(","):
        name, _, quality = part.partition(";")
        if re.fullmatch(r"\s*q=0(\.0*)?\s*", quality) is None:
            taken.add(name.strip().lower())
    return taken
