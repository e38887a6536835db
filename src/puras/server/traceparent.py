"""Which trace something belongs to, in the form of W3C: `00-<trace id>-<span id>-<flags>`.

A submit may bring one, and its job keeps it: so whatever runs the job, in whatever process, is a
part of the caller's trace.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

_HEADER: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Parent:
    """A span that others hang below. What is not sampled is recorded by nobody."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def header(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


CURRENT: Final[ContextVar[Parent | None]] = ContextVar("puras_trace_parent", default=None)
"""What the request at hand belongs to."""


def read(header: str) -> Parent | None:
    """Read a `traceparent`; None for what is none, as the standard has it."""
    match = _HEADER.fullmatch(header.strip())
    if match is None or (match[4] and header.startswith("00")):
        return None
    trace_id, span_id, flags = match[1], match[2], match[3]
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & 1))


def below(parent: Parent | None) -> Parent:
    """Return a new span's own place: in its parent's trace, else in a new one."""
    own = secrets.token_hex(8)
    if parent is None:
        return Parent(secrets.token_hex(16), own)
    return replace(parent, span_id=own)


def kept() -> str | None:
    """Return what a job that is queued now is to keep."""
    current = CURRENT.get()
    return None if current is None else current.header
