"""The shapes of a recorded session refuse what they should, or the session would prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ..system.peer_player import Player

ID = "01a2112a-999c-7a9b-9746-6e31cfa589ed"
KEPT = {"job_id": ID}
SHAPES = {"job": {"id": "<uuid>", "status": "<text>", "error": "<text|null>"}}


def faults(shape: Any, value: Any) -> list[str]:
    return list(Player("http://127.0.0.1:1", KEPT, SHAPES).faults(shape, value))


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ("<uuid>", ID),
        ("<time>", "2026-11-25T05:25:34.236457+00:00"),
        ("<queued|running>", "running"),
        ("<text|null>", None),
        ("$job_id", ID),
        ({"id": "$job_id"}, {"id": ID, "more": 1}),
        ({"is": "job", "error": "no"}, {"id": ID, "status": "failed", "error": "no"}),
        (["<whole>", "..."], [1, 2, 3]),
        ([], []),
        (100.0, 100.0),
    ],
)
def test_what_fits_a_shape_has_no_faults(shape: Any, value: Any) -> None:
    assert faults(shape, value) == []


@pytest.mark.parametrize(
    ("shape", "value", "told"),
    [
        ("<uuid>", "0192f000-0000-4000-8000-000000000000", "$ is no <uuid>"),
        ("<time>", "2026-11-25T05:25:34Z", "$ is no <time>"),
        ("<whole>", True, "$ is no <whole>"),
        ("<text>", "", "$ is no <text>"),
        ("<queued|running>", "failed", "$ is no <queued|running>"),
        ("$job_id", "another", f"$ is not '{ID}'"),
        (100.0, 100, "$ is not 100.0"),
        (False, 0, "$ is not False"),
        ({"is": "job"}, {"id": ID, "status": "failed"}, "$ has no `error`"),
        ({"a": {"b": None}}, {"a": {"b": 1}}, "$.a.b is not None"),
        ({}, [], "$ is no object"),
        ([1], [1, 2], "$ has 2 entries"),
        (["<text>", "..."], [], "$ has 0 entries"),
        (["<whole>", "..."], [1, "two"], "$[1] is no <whole>"),
        ([], {}, "$ is no list"),
    ],
)
def test_what_does_not_fit_a_shape_is_told_with_its_place(
    shape: Any, value: Any, told: str
) -> None:
    assert [fault.partition(":")[0] for fault in faults(shape, value)] == [told]
