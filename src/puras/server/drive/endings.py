"""How a file's name ends, by its type."""

from __future__ import annotations

import mimetypes
from typing import Final

_ENDINGS: Final = {
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/webm": ".weba",
    "audio/x-wav": ".wav",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
}
"""Those that Python does not know, or not by the usual ending, or that depend on the machine."""


def ending_of(mime: str) -> str | None:
    """Return the usual ending of a type, with its dot; None where there is none."""
    plain = mime.partition(";")[0].strip().lower()
    return _ENDINGS.get(plain) or (mimetypes.guess_extension(plain) if plain else None)
