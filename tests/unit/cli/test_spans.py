"""`spans`: where a job's time went, as a tree."""

from __future__ import annotations

import json
from typing import Any

import pytest

from puras.cli.spans import duration

from .conftest import Run
from .loopback import NOW, Loopback, an_id

JOB = an_id(300)
PATH = f"/v1/jobs/{JOB}/spans"


def span(name: str, parent: str | None, ms: float | None, **more: Any) -> dict[str, Any]:
    return {
        "trace_id": "t",
        "span_id": name,
        "parent_span_id": parent,
        "kind": "step",
        "name": name,
        "started_at": NOW,
        "duration_ms": ms,
        "attributes": {},
    } | more


def test_what_is_inside_stands_below_and_further_right(puras: Run, server: Loopback) -> None:
    server.script(
        f"GET {PATH}",
        [
            span("all", "of another job", 61_500, kind="run", attributes={"attempt": 1}),
            span("call", "fn", 12.5, kind="tool", attributes={"job_id": "j", "status": "failed"}),
            span("fn", "all", 1500.0, kind="function"),
            span("open", "fn", None),
        ],
    )
    assert puras("spans", JOB).stdout.splitlines() == [
        "   1m 02s  run all attempt=1",
        "   1.50 s    function fn",
        "  12.5 ms      tool call status=failed → j",
        "        …      step open",
    ]


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0.04, "0.0 ms"),
        (999.94, "999.9 ms"),
        (1000, "1.00 s"),
        (119_700, "2m 00s"),
        (None, "…"),
        (3_599_000, "59m 59s"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(ms: float | None, shown: str) -> None:
    assert duration(ms) == shown


def test_a_name_can_not_move_the_cursor(puras: Run, server: Loopback) -> None:
    server.script(f"GET {PATH}", [span("a\x1b[2J\nb", None, 1)])
    assert puras("spans", JOB).stdout == "   1.0 ms  step a\\x1b[2J b\n"


def test_json_is_the_answer_itself(puras: Run, server: Loopback) -> None:
    server.script(f"GET {PATH}", [span("a", None, 1)])
    assert json.loads(puras("spans", JOB, "--output", "json").stdout) == [span("a", None, 1)]


def test_no_spans_yet_is_said(puras: Run, server: Loopback) -> None:
    server.script(f"GET {PATH}", [])
    assert "No spans yet" in puras("spans", JOB).stderr
    server.refuse(f"GET {PATH}", 404, "job_not_found")
    assert puras("spans", JOB).exit_code == 4
