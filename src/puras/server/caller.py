"""Who is calling: the key behind a request, and how far it reaches."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from puras.server.clock import Micros
from puras.wire import KeyKind


class Power(enum.IntEnum):
    """How much a call needs and a key gives; each level includes those below it.

    PUBLISHABLE  any key: submit, and what it submitted itself
    NARROW       a secret key with an allowlist or a daily cap: also its own list, spans, balance
    LIMITED      a secret key with a rate, a concurrency or an expiry only: all of its workspace but
                 managing it
    FULL         a secret key without any fence: deploys, and manages keys and skillpacks
    """

    PUBLISHABLE = 1
    NARROW = 2
    LIMITED = 3
    FULL = 4


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that a request came with. `skills` is None where no allowlist fences it, else the
    pairs (skillpack id, skill name) that it may run; `session_id` is that of the signed-in browser
    which came with a token instead; `prefix` is
    the part of the key that may be shown."""

    key_id: str
    workspace_id: str
    workspace: str
    kind: KeyKind
    skills: frozenset[tuple[str, str]] | None = None
    daily_cap_micros: int | None = None
    rate_per_minute: int | None = None
    concurrency: int | None = None
    allowed_origins: frozenset[str] | None = None
    expires_at: Micros | None = None
    session_id: str | None = None
    prefix: str = ""

    @property
    def is_publishable(self) -> bool:
        return self.kind == "publishable"

    @property
    def power(self) -> Power:
        if self.is_publishable:
            return Power.PUBLISHABLE
        if self.skills is not None or self.daily_cap_micros is not None:
            return Power.NARROW
        limits = (self.rate_per_minute, self.concurrency, self.expires_at)
        if any(limit is not None for limit in limits):
            return Power.LIMITED
        return Power.FULL

    @property
    def sees_own_jobs_only(self) -> bool:
        """Whether other keys' jobs of the workspace are hidden from this one."""
        return self.power <= Power.NARROW
