from __future__ import annotations

from typing import Any

import pytest

from puras.server.agent.messages import FilePart
from puras.server.agent.models.bound import bound_micros
from puras.server.agent.models.catalog import Model
from puras.server.agent.models.port import ModelFailed, ModelRequest, ToolSpec

_DOLLAR_A_TOKEN_IN = Model("a/b", "openai-compatible", "b", "http://x", (), 1e6, 0)
_DOLLAR_A_TOKEN_OUT = Model("a/b", "openai-compatible", "b", "http://x", (), 0, 1e6)


def _request(**changes: Any) -> ModelRequest:
    values: dict[str, Any] = {"model": "a/b", "system": "", "messages": [], "tools": [], **changes}
    return ModelRequest(**values)


def _most_input(**changes: Any) -> int:
    return bound_micros(_DOLLAR_A_TOKEN_IN, _request(**changes)) // 1_000_000


def test_every_byte_that_goes_in_counts_as_a_token() -> None:
    bare = _most_input()
    assert _most_input(system="ä" * 1000) == bare + 2000
    tool = ToolSpec("t", "d" * 500, {"type": "object", "description": "s" * 500})
    assert _most_input(tools=[tool]) > bare + 1000
    message = {"role": "user", "text": "ä" * 1000, "files": []}
    assert _most_input(messages=[message]) > bare + 2000


def test_files_count_by_their_bytes_and_images_within_limits() -> None:
    def more(mime: str, size: int) -> int:
        part: FilePart = {"drive_path": "f", "mime": mime}
        messages = [{"role": "user", "text": "", "files": [part]}]
        without = _most_input(messages=messages)
        return _most_input(messages=messages, files={"f": b"x" * size}) - without

    assert more("application/pdf", 300_000) == 300_000
    assert more("image/png", 300_000) == 12_000, "from 8,000 at the least to 20,000 at the most"
    assert more("image/png", 10_000) == 2_000


def test_a_turn_counts_once_in_the_form_that_is_sent() -> None:
    turn = {"role": "model", "model": "a/b", "text": "x" * 5_000, "tool_calls": [], "raw": None}
    kept = {**turn, "raw": {"response": "x" * 5_000}}
    assert _most_input(messages=[turn]) == pytest.approx(_most_input(messages=[kept]), abs=200)


def test_the_output_counts_as_far_as_it_may_go() -> None:
    assert bound_micros(_DOLLAR_A_TOKEN_OUT, _request()) == 16_000 * 10**6
    assert bound_micros(_DOLLAR_A_TOKEN_OUT, _request(max_output_tokens=10)) == 10 * 10**6


def test_a_model_without_a_price_can_not_be_bounded() -> None:
    unpriced = Model("a/b", "openai", "unheard-of-1")
    with pytest.raises(ModelFailed, match="no price is known for `a/b`"):
        bound_micros(unpriced, _request())
