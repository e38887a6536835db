from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras import wire
from puras.server import bodies
from puras.server.refusals import Refused

ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


def mended(value: Any) -> Any:
    """Replace lone surrogates as the contract says; pairs are one character."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [mended(item) for item in value]
    if isinstance(value, dict):
        return {mended(name): mended(item) for name, item in value.items()}
    return value


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Refused as refusal:
        return refusal


@given(JSON)
def test_any_json_is_read_as_it_was_written_but_for_lone_surrogates(value: Any) -> None:
    assert bodies.decode(json.dumps(value).encode()) == mended(value)


@given(st.binary(max_size=64) | st.text(alphabet='[]{}",:\\ud8c0019efaNInfty-+. ').map(str.encode))
def test_any_bytes_are_json_that_can_be_written_again_or_are_refused(raw: bytes) -> None:
    value = outcome(lambda: bodies.decode(raw))
    if isinstance(value, Refused):
        assert value.code == "invalid_json"
    else:
        assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_body_is_nested_128_levels_at_most(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nested(levels: int) -> bytes:
        return f"{opening * levels}{'1'}{closing * levels}".encode()

    assert bodies.decode(nested(bodies.MAX_DEPTH))
    for levels in (bodies.MAX_DEPTH + 1, 100_000):
        with pytest.raises(Refused, match="128 levels"):
            bodies.decode(nested(levels))


def test_a_wide_body_is_not_a_deep_one() -> None:
    assert len(bodies.decode(json.dumps([[{}]] * 1000).encode())) == 1000


@given(JSON)
def test_a_shape_lets_a_body_pass_or_names_its_faults(body: Any) -> None:
    shape = bodies.Shape(wire.KeyCreate, strict=True)
    refusal = outcome(lambda: shape.check(mended(body)))
    if isinstance(refusal, Refused):
        assert refusal.code in {"invalid_request", "unknown_field"}
        assert 1 <= len(refusal.errors) <= bodies.MAX_FAULTS
        assert all(fault["path"].startswith("$") for fault in refusal.errors)
    else:
        assert {"name", "kind"} <= set(body)


def test_a_choice_of_plain_types_is_told_as_such() -> None:
    with pytest.raises(Refused) as caught:
        bodies.Shape(wire.KeyCreate).check({"name": "a", "kind": "secret", "daily_cap_usd": "1"})
    assert caught.value.errors == [
        {"path": "$.daily_cap_usd", "message": '"1" is not of types "null", "number"'}
    ]


def test_at_most_a_hundred_faults_are_named() -> None:
    with pytest.raises(Refused) as caught:
        bodies.Shape(wire.KeyCreate).check(
            {"name": "a", "kind": "secret", "allowed_origins": [1] * 500}
        )
    assert len(caught.value.errors) == bodies.MAX_FAULTS
