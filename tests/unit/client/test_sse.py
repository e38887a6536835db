"""The decoder of event streams is right wherever the network cuts."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puras.client._sse import Decoder, ServerSentEvent
from puras.errors import PurasConnectionError, StreamLineTooLongError


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def message(data: str, last_id: str = "") -> ServerSentEvent:
    return ServerSentEvent("message", data, last_id)


RICH = (
    "\ufeffretry: 2000\r\n: hello\r\n\r\n"
    'id: 1\rdata: {"a": "ä\u2028🐉"}\r\r'
    "id: 2\ndata:two\ndata: lines\n\n"
    ": a comment\n\n"
    "id: 3\n: after an id\n\n"
    "data\n\n"
    'event: end\r\ndata: {"status": "succeeded"}\r\n\r\n'
    "data: unfinished"
).encode()
RICH_EVENTS = [
    message('{"a": "ä\u2028🐉"}', "1"),
    message("two\nlines", "2"),
    message("", "3"),
    ServerSentEvent("end", '{"status": "succeeded"}', "3"),
]


def test_a_stream_in_one_piece_is_decoded() -> None:
    assert decode(RICH) == RICH_EVENTS


def test_a_stream_cut_in_two_at_any_byte_is_decoded_the_same() -> None:
    for cut in range(len(RICH) + 1):
        assert decode(RICH[:cut], RICH[cut:]) == RICH_EVENTS, cut


def test_a_stream_that_comes_byte_by_byte_is_decoded_the_same() -> None:
    assert decode(*(RICH[at : at + 1] for at in range(len(RICH)))) == RICH_EVENTS


@given(st.lists(st.integers(0, len(RICH)), max_size=12))
def test_a_stream_cut_anywhere_any_number_of_times_is_decoded_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(RICH)]
    assert decode(*(RICH[a:b] for a, b in pairwise(edges))) == RICH_EVENTS


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.integers(1, 7),
)
def test_any_json_survives_any_line_ending_and_any_size_of_piece(
    texts: list[str], line_end: str, size: int
) -> None:
    lines = [f"data: {json.dumps(text, ensure_ascii=False)}{line_end * 2}" for text in texts]
    body = "".join(lines).encode()
    events = decode(*(body[at : at + size] for at in range(0, len(body), size)))
    assert [json.loads(event.data) for event in events] == texts


def test_a_carriage_return_ends_an_event_without_waiting_for_more() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"data: now\r\r")) == [message("now")]
    assert list(decoder.feed(b"\ndata: next\n\n")) == [message("next")]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_what_only_unicode_calls_a_line_end_stays_in_the_data(separator: str) -> None:
    assert decode(f"data: a{separator}b\n\n".encode()) == [message(f"a{separator}b")]


def test_a_comment_after_an_id_yields_nothing() -> None:
    assert decode(b"id: 7\n: ping\n\n") == []


def test_an_event_without_its_empty_line_is_not_yielded() -> None:
    assert decode(b"data: whole\n\nid: 2\ndata: half\n") == [message("whole")]


def test_the_name_of_an_event_does_not_outlive_it() -> None:
    assert decode(b"event: end\n\ndata: x\n\n") == [message("x")]


def test_an_id_lasts_until_the_next_and_one_with_a_null_does_not_count() -> None:
    events = decode(b"id: 1\ndata: a\n\nid: \x00\ndata: b\n\nid\ndata: c\n\n")
    assert [event.id for event in events] == ["1", "1", ""]


def test_only_one_blank_after_the_colon_is_taken_off() -> None:
    assert decode(b"data:  a:b\nunknown: field\n\n") == [message(" a:b")]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert decode(b"data: \xff\n\n") == [message("\ufffd")]


def test_a_byte_order_mark_counts_only_at_the_start() -> None:
    mark = "\ufeff".encode()
    assert decode(mark[:1], mark[1:] + b"data: a\n\n" + mark + b"data: b\n\n") == [message("a")]


@pytest.mark.parametrize("piece", [b"data: 0123456789ab", b"data: 0123456789ab\n"])
def test_a_line_over_the_limit_is_an_error_after_what_came_before_it(piece: bytes) -> None:
    events = Decoder(max_line_bytes=16).feed(b"data: a\n\n" + piece)
    assert next(events) == message("a")
    with pytest.raises(StreamLineTooLongError, match="a line over 16 bytes"):
        next(events)
    assert issubclass(StreamLineTooLongError, PurasConnectionError)


def test_a_long_line_in_small_pieces_is_an_error_before_it_ends() -> None:
    decoder = Decoder(max_line_bytes=16)
    assert [list(decoder.feed(b"x")) for _ in range(16)] == [[]] * 16
    with pytest.raises(StreamLineTooLongError):
        list(decoder.feed(b"x"))


def test_many_short_lines_can_not_make_an_event_over_the_limit() -> None:
    with pytest.raises(StreamLineTooLongError):
        list(Decoder(max_line_bytes=16).feed(b"data: 0123456\n" * 3))


def test_a_line_at_the_limit_is_fine() -> None:
    assert list(Decoder(max_line_bytes=16).feed(b"data: 0123456789\n\n")) == [message("0123456789")]
