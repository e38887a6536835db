from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.server.keys import tokens
from puras.wire import KeyKind


@pytest.mark.parametrize(("kind", "mark"), [("secret", "live"), ("publishable", "pub")])
def test_a_minted_key_reads_back(kind: KeyKind, mark: str) -> None:
    token = tokens.mint(kind)
    assert re.fullmatch(rf"puras_{mark}_[0-9A-Za-z]{{8}}\.[0-9A-Za-z]{{32}}", token.text)
    assert tokens.parse(token.text) == token
    assert token.is_well_formed
    assert token.secret_hash == hashlib.sha256(token.secret.encode()).digest()


def test_minted_keys_differ_and_use_the_whole_alphabet() -> None:
    minted = [tokens.mint("secret") for _ in range(200)]
    assert len({token.text for token in minted}) == len({token.prefix for token in minted}) == 200
    assert len(set("".join(token.secret for token in minted))) == 62


def test_a_keys_secret_is_not_in_its_repr() -> None:
    token = tokens.mint("secret")
    assert token.secret not in repr(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "puras_live_",
        "puras_live_abcdefgh.short",
        "puras_test_abcdefgh." + "a" * 32,
        "puras_live_abcdefgh" + "a" * 33,
        "puras_live_abcdefgh." + "a" * 33,
        "puras_live_abcdefgh." + "é" * 32,
        " puras_live_abcdefgh." + "a" * 32,
        "puras_live_abcdefgh." + "a" * 32 + "\n",
    ],
)
def test_what_is_not_well_formed_is_no_key(text: str) -> None:
    assert tokens.parse(text) is None


@given(st.text())
def test_a_required_token_of_any_text_is_a_secret_key_that_no_key_is_mistaken_for(
    text: str,
) -> None:
    token = tokens.required(text)
    assert token.kind == "secret"
    assert token.secret == text
    assert not token.is_well_formed
    assert tokens.parse(token.text) is None


def test_nobody_has_a_prefix_that_no_key_has() -> None:
    assert not tokens.NOBODY.is_well_formed
