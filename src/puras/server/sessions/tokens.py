"""The secrets of signing in: the cookie, the one-time link, and the bearer token of a session.

Each is 43 base62 characters from a CSPRNG (256 bits), of which only the SHA-256 is kept: it finds
the row, so there is nothing to compare and nothing to guess.
"""

from __future__ import annotations

import re
import secrets
import string
from typing import Final

COOKIE: Final = "puras_session"

_ALPHABET = string.digits + string.ascii_letters
_LENGTH = 43
_BEARER = re.compile(rf"puras_ses_[0-9A-Za-z]{{{_LENGTH}}}")


def mint() -> str:
    """Make a new secret for a cookie or a link."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def mint_bearer() -> str:
    """Make a new bearer token."""
    return f"puras_ses_{mint()}"


def is_bearer(text: str) -> bool:
    return _BEARER.fullmatch(text) is not None
