"""An API key's text: `puras_live_<prefix8>.<secret32>`, or `puras_pub_…` for a publishable one.

The prefix finds the row and is kept in clear; of the secret only its SHA-256 is kept. A plain hash
is enough: 32 base62 characters from a CSPRNG (190 bits) leave nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass, field

from puras.wire import KeyKind

_ALPHABET = string.digits + string.ascii_letters
_WELL_FORMED = re.compile(r"puras_(live|pub)_([0-9A-Za-z]{8})\.([0-9A-Za-z]{32})")
_MARK: dict[KeyKind, str] = {"secret": "live", "publishable": "pub"}
_REQUIRED_PREFIX = "required-key"
"""Not eight base62 characters: no well-formed key can ever have it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A key as its holder has it."""

    kind: KeyKind
    prefix: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"puras_{_MARK[self.kind]}_{self.prefix}.{self.secret}"

    @property
    def is_well_formed(self) -> bool:
        return parse(self.text) == self

    @property
    def secret_hash(self) -> bytes:
        return hash_secret(self.secret)


NOBODY = Token("secret", "", "")
"""What a missing or malformed key counts as: it is looked up and hashed like any other."""


def mint(kind: KeyKind) -> Token:
    """Make a new key of a kind."""
    return Token(kind, _random(8), _random(32))


def parse(text: str) -> Token | None:
    """Read a key; None when it is not well-formed."""
    match = _WELL_FORMED.fullmatch(text)
    if match is None:
        return None
    mark, prefix, secret = match.groups()
    return Token("secret" if mark == "live" else "publishable", prefix, secret)


def required(text: str) -> Token:
    """Read the operator's `--require-key`: any text that is not a key's counts as a secret key."""
    return parse(text) or Token("secret", _REQUIRED_PREFIX, text)


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
