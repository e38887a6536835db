"""What befalls the connections of a run, chosen by its seed, so that a failing run replays."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

Fault = Literal["none", "end", "reset", "hold", "dribble", "answer"]
Place = Literal["front", "back"]

CALM_AFTER = 12
"""From this connection of a run on nothing befalls it any more, so that every run has an end."""
_MOST_BYTES = 4_000

MARKS = (
    re.compile(rb"\r(?=\n)"),
    re.compile(rb"\n(?=\n)"),
    re.compile(rb"[\xc2-\xf4](?=[\x80-\xbf])"),
    re.compile(rb"\nid: "),
    re.compile(rb"\nid: \d(?=\d)"),
    re.compile(rb"\ndata"),
    re.compile(rb"event: e"),
    re.compile(rb"\nContent-Type: text/eve", re.IGNORECASE),
)
"""Where a cut hurts most: between CR and LF, inside of a character, an id, a name, a head."""

_HTML = b"<html><body>The server is away.</body></html>"
ANSWERS = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 45\r\n"
    b"Connection: close\r\n\r\n" + _HTML,
    b"HTTP/1.0 504 Gateway Timeout\r\nContent-Type: text/html\r\n\r\n" + _HTML[:20],
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 45\r\n"
    b"Connection: close\r\n\r\n" + _HTML,
    b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n5\r\ndata:\r\nnonsense",
    b"",
)
"""What a proxy says where it has no server, the empty answer of a connection that just ends too."""


@dataclass(frozen=True)
class Plan:
    """One connection's fate: what happens, on which side of the proxy, and after how many bytes of
    the answer, at the next `mark` where one is given."""

    fault: Fault
    place: Place = "front"
    after: int = 0
    mark: re.Pattern[bytes] | None = None
    answer: bytes = b""


CALM = Plan("none")


def plan(seed: str, connection: int) -> Plan:
    """Choose what befalls a run's connection; they count from 0."""
    if connection >= CALM_AFTER:
        return CALM
    chance = random.Random(f"{seed}/{connection}")
    fault: Fault = chance.choices(
        ("end", "reset", "hold", "dribble", "answer", "none"), weights=(32, 26, 10, 10, 15, 7)
    )[0]
    place: Place = chance.choice(("front", "back"))
    after = int(_MOST_BYTES * chance.random() ** 2)  # what a proxy squeezed is short
    mark = chance.choice(MARKS) if chance.random() < 0.5 else None
    return Plan(fault, place, after, mark, chance.choice(ANSWERS))


def cut_at(plan: Plan, passed: int, data: bytes) -> int | None:
    """Return after how many of these bytes the plan's fault happens, if it happens in them.

    `passed` is how many bytes of the answer went before."""
    start = plan.after - passed
    if start > len(data):
        return None
    start = max(start, 0)
    if plan.mark is None:
        return start
    found = plan.mark.search(data, start)
    return found.end() if found else None
