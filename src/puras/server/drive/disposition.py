"""How a browser shall treat a file. Pure.

What it could take for a page of ours is never shown in place: only pictures without scripts, audio
and video are.
"""

from __future__ import annotations

from urllib.parse import quote

from puras.server.storage.port import Headers

CACHE_CONTROL = "private, no-cache"
_SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"}


def disposition(path: str, mime: str) -> str:
    """Return the `Content-Disposition`: shown in place, or saved under its name."""
    shown = mime in _SHOWN or mime.startswith(("audio/", "video/"))
    name = path.rpartition("/")[2]
    return f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"


def stored_headers(path: str, mime: str) -> Headers:
    """Return the headers that a bucket can keep and send; there is none for the others."""
    return {
        "Content-Type": mime,
        "Content-Disposition": disposition(path, mime),
        "Cache-Control": CACHE_CONTROL,
    }
