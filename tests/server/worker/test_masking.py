"""Secrets in what a run says, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.server.worker.process.masking import LEAST_CHARACTERS, MASK, NOTHING, Masker
from puras.server.worker.process.output import LineSplitter
from puras.wire import MAX_LOG_LINE_BYTES

SECRET = "correct-horse-ß"


def test_exact_values_are_hidden_wherever_they_stand() -> None:
    masker = Masker([SECRET])
    assert masker.text(f"a{SECRET}{SECRET} b") == f"a{MASK}{MASK} b"
    assert masker.text("correct-horse") == "correct-horse"
    assert masker.value({SECRET: [SECRET, 1, None, {"x": f"<{SECRET}>"}]}) == {
        MASK: [MASK, 1, None, {"x": f"<{MASK}>"}]
    }


def test_of_two_values_the_longer_one_is_hidden_whole() -> None:
    assert Masker(["password", "password-of-mine"]).text("password-of-mine") == MASK


def test_values_that_are_too_short_stay() -> None:
    short, enough = "x" * (LEAST_CHARACTERS - 1), "y" * LEAST_CHARACTERS
    assert Masker([short, enough]).text(f"{short} {enough}") == f"{short} {MASK}"


def test_a_value_is_hidden_as_python_writes_it_too() -> None:
    assert Masker(["line one\nline two"]).text(repr("line one\nline two")) == f"'{MASK}'"


def test_without_secrets_nothing_is_touched() -> None:
    value = {"a": ["b"]}
    assert NOTHING.value(value) is value
    assert NOTHING.data(b"\xff\xfe") == b"\xff\xfe"


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    assert (
        Masker([SECRET]).data(b"\xff" + SECRET.encode() + b"\xfe")
        == b"\xff" + MASK.encode() + b"\xfe"
    )


@given(
    before=st.integers(0, MAX_LOG_LINE_BYTES + 50),
    after=st.integers(0, MAX_LOG_LINE_BYTES),
    size=st.integers(1, MAX_LOG_LINE_BYTES * 2),
    repeats=st.integers(1, 400),
)
def test_no_cut_of_bytes_or_lines_leaves_the_beginning_of_a_secret(
    before: int, after: int, size: int, repeats: int
) -> None:
    line = b"x" * before + SECRET.encode() * repeats + b"y" * after
    splitter = LineSplitter(Masker([SECRET]))
    lines = [
        text for at in range(0, len(line), size) for text in splitter.feed(line[at : at + size])
    ]
    told = "".join(lines + splitter.finish())
    assert "correct" not in told
    assert "horse" not in told


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b""])
def test_a_secret_in_two_pieces_of_one_line_is_hidden(newline: bytes) -> None:
    splitter = LineSplitter(Masker([SECRET]))
    whole = f"it is {SECRET}!".encode() + newline
    lines = [text for at in range(len(whole)) for text in splitter.feed(whole[at : at + 1])]
    assert lines + splitter.finish() == [f"it is {MASK}!"]
