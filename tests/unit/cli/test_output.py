"""How values are written."""

from __future__ import annotations

from typing import Any

import pytest

from puras.cli import output


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (0, "0"),
        (["a", "b"], "a, b"),
        ("a\tb\n", "a b "),
    ],
)
def test_a_cell_is_one_plain_word_or_line(value: Any, text: str) -> None:
    assert output.cell(value) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (99_500_000, "$99.50"), (1234, "$0.001234"), (10**12, "$1,000,000.00")],
)
def test_money_is_written_to_the_cent_where_it_is_whole_cents(micros: int, text: str) -> None:
    assert output.usd(micros) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (52_428_800, "52.4 MB"), (10**12, "1000.0 GB")],
)
def test_sizes_are_written_in_the_unit_that_suits(count: int, text: str) -> None:
    assert output.size(count) == text


def test_what_a_terminal_would_act_on_is_made_visible() -> None:
    assert output.printable("a\x1b[31mb\u202ec\n") == "a\\x1b[31mb\\u202ec\n"
