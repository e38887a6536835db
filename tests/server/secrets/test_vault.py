"""What a secret is sealed for opens it, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.server.secrets.vault import CannotOpen, Owner, Sealed, Vault

OLD, NEW = b"o" * 32, b"n" * 32
OWNER = Owner("pack", "TOKEN")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_what_was_sealed_opens_to_the_same(value: str) -> None:
    vault = Vault([NEW])
    assert vault.open(vault.seal(value, owner=OWNER), owner=OWNER) == value


def test_a_value_is_not_to_be_found_in_what_is_sealed() -> None:
    sealed = Vault([NEW]).seal("a-secret-value", owner=OWNER)
    assert b"a-secret-value" not in sealed.data
    assert Vault([NEW]).seal("a-secret-value", owner=OWNER).data != sealed.data


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed = Vault([OLD]).seal("value", owner=OWNER)
    both = Vault([NEW, OLD])
    assert both.open(sealed, owner=OWNER) == "value"
    assert both.seal("value", owner=OWNER).key_id == Vault([NEW]).key_id != sealed.key_id
    with pytest.raises(CannotOpen, match="TOKEN"):
        Vault([NEW]).open(sealed, owner=OWNER)


@pytest.mark.parametrize("other", [Owner("pack", "OTHER"), Owner("other", "TOKEN")])
def test_a_row_that_was_moved_to_another_place_opens_for_nobody(other: Owner) -> None:
    vault = Vault([NEW])
    with pytest.raises(CannotOpen):
        vault.open(vault.seal("value", owner=OWNER), owner=other)


@pytest.mark.parametrize("at", [0, 12, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    vault = Vault([NEW])
    key_id, data = vault.seal("value", owner=OWNER)
    changed = bytearray(data)
    changed[at] ^= 1
    with pytest.raises(CannotOpen):
        vault.open(Sealed(key_id, bytes(changed)), owner=OWNER)
    with pytest.raises(CannotOpen):
        vault.open(Sealed(key_id, b""), owner=OWNER)
