"""How a job's events are told."""

from __future__ import annotations

from typing import Any

import pytest

from puras.cli.events import line, percent


def told(type: str, **payload: Any) -> str:
    return line(
        {"id": 1, "ts": "2026-11-25T12:00:01.5+00:00", "type": type, "payload": payload}
    ).text


@pytest.mark.parametrize(
    ("type", "payload", "text"),
    [
        ("status", {"status": "queued"}, "queued"),
        ("status", {"status": "running", "attempt": 1}, "running"),
        ("status", {"status": "running", "attempt": 2}, "running (attempt 2)"),
        ("status", {"status": "failed", "error": "no"}, "failed: no"),
        ("log", {"level": "info", "message": "hello"}, "hello"),
        ("log", {"level": "error", "message": "hidden", "redacted": True}, "error: hidden"),
        ("progress", {"fraction": 0.4, "message": "half"}, "40% half"),
        ("progress", {"fraction": 1}, "100%"),
        ("step", {"step": 2, "label": "draw"}, "2 draw"),
        ("step", {"step": 2, "ctx": {"job_id": "j", "label": "ad", "depth": 1}}, "[ad] 2"),
        (
            "model_response",
            {"model": "m", "input_tokens": 3, "output_tokens": 4},
            "m: 3 tokens in, 4 out",
        ),
        ("tool_call", {"name": "bash", "input": {"cmd": "ls"}}, 'bash {"cmd": "ls"}'),
        ("tool_result", {"name": "bash", "ok": False, "preview": "gone"}, "bash failed: gone"),
        (
            "subagent_end",
            {"label": "writer", "depth": 1, "status": "succeeded"},
            "writer succeeded",
        ),
        ("never_heard_of", {"a": 1}, '{"a": 1}'),
    ],
)
def test_each_type_has_its_words(type: str, payload: dict[str, Any], text: str) -> None:
    assert told(type, **payload) == text


def test_a_line_has_the_time_the_type_and_the_text() -> None:
    event = {
        "id": 1,
        "ts": "2026-11-25T12:00:01.5+00:00",
        "type": "log",
        "payload": {"message": "hi"},
    }
    assert str(line(event)) == "12:00:01  log        hi"


def test_a_log_can_not_move_the_cursor_or_set_the_terminals_title() -> None:
    assert told("log", message="\x1b]0;owned\x07\x1b[2Jx") == "\\x1b]0;owned\\x07\\x1b[2Jx"


def test_a_long_payload_is_cut() -> None:
    assert len(told("never_heard_of", a="x" * 1000)) == 201


@pytest.mark.parametrize(("fraction", "shown"), [(-1, 0), (0.25, 25), (7, 100), (None, 0)])
def test_progress_stays_between_nothing_and_all(fraction: float | None, shown: float) -> None:
    assert percent({"fraction": fraction}) == shown


def test_an_event_without_a_payload_is_told_too() -> None:
    assert line({"id": 1, "type": "log", "payload": None}).text == ""
