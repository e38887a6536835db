"""Seals secrets before they reach the database, and opens them for the runs that need them.

AES-256-GCM under a key that is derived from one of the server's own. What a value is sealed for,
the key's id, the skillpack and the name, is authenticated with it: a row that is copied to another
place, or another name, opens for nobody. The first key seals, every key opens.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from puras.server.home import derived_key

_NONCE_BYTES = 12


class Owner(NamedTuple):
    """Whose secret it is."""

    skillpack_id: str
    name: str


class Sealed(NamedTuple):
    """A value that only the key `key_id` opens: nonce, ciphertext and tag."""

    key_id: str
    data: bytes


class CannotOpen(Exception):
    """None of the server's keys opens a secret, or its row was tampered with."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the secret {name} can't be read with this server's keys: put the key that it was "
            "kept with back into PURAS_SECRETS_KEY, or set the secret again"
        )


class Vault:
    """`keys` are the server's secrets keys; the first of them seals."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        derived = [derived_key(key, "secrets") for key in keys]
        self._ciphers = {_id_of(key): AESGCM(key) for key in derived}
        self.key_id = _id_of(derived[0])

    def seal(self, value: str, *, owner: Owner) -> Sealed:
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self.key_id]
        bound = _bound(self.key_id, owner)
        return Sealed(self.key_id, nonce + cipher.encrypt(nonce, value.encode(), bound))

    def open(self, sealed: Sealed, *, owner: Owner) -> str:
        """Return the value. Raises CannotOpen."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise CannotOpen(owner.name)
        nonce, data = sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, data, _bound(sealed.key_id, owner)).decode()
        except (InvalidTag, ValueError):
            raise CannotOpen(owner.name) from None


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"puras:key-id:" + key).hexdigest()[:16]


def _bound(key_id: str, owner: Owner) -> bytes:
    return "\0".join((key_id, *owner)).encode()
