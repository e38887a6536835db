"""When a call is made again, and what is raised when it is not. Pure.

Tried again: broken connections, 408, 409 `idempotency_in_progress`, 429 `rate_limited` and 5xx.
Never: 402, 403, 429 `spend_cap_reached` and every other refusal, which would only be refused again.

A call with an effect (a submit, an upload) carries an Idempotency-Key. Not every server keeps
those, and one that does not would do the work twice: so after a failure that may have reached the
server, such a call is repeated only if the server is known to keep keys.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from puras.client._answers import Answer, Failure, api_error
from puras.client._core import Config, Policy, Request
from puras.errors import PurasConnectionError, PurasError, PurasTimeoutError


def keeps_keys(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer's headers say that this server keeps Idempotency-Keys."""
    return headers.get("puras-idempotency") == "1"


def may_pass_later(outcome: Answer | Failure) -> bool:
    """Tell whether the same request may succeed when it is made again."""
    if isinstance(outcome, Failure) or outcome.status == 408 or outcome.status >= 500:
        return True
    return (outcome.status, outcome.code) in {
        (409, "idempotency_in_progress"),
        (429, "rate_limited"),
    }


def is_doubtful(request: Request, outcome: Answer | Failure) -> bool:
    """Tell whether a call with an effect may have had it although it failed."""
    if request.idempotency_key is None:
        return False
    if isinstance(outcome, Failure):
        return outcome.reached
    return outcome.status == 408 or outcome.status >= 500


def backoff(attempt: int, policy: Policy, *, roll: float) -> float:
    """Full jitter: `roll`, in [0, 1), of a ceiling that doubles with each attempt from 0."""
    ceiling: float = policy.first_backoff * 2.0 ** min(attempt, 30)
    return roll * min(policy.longest_backoff, ceiling)


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float:
    """Read `Retry-After`, seconds or a date; 0 where there is none. `now` is in epoch seconds."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    moment = _epoch_seconds(value) if value else None
    return 0.0 if moment is None else max(0.0, moment - (time.time() if now is None else now))


def _epoch_seconds(date: str) -> float | None:
    from email.utils import mktime_tz, parsedate_tz  # rarely needed, and slow to import

    parsed = parsedate_tz(date)
    return None if parsed is None else mktime_tz(parsed)


def pause(outcome: Answer | Failure, attempt: int, *, policy: Policy, roll: float) -> float | None:
    """How long to sleep before trying again; None when it is not worth it.

    A `Retry-After` is kept to; one longer than the policy's longest is left to the caller.
    """
    if not may_pass_later(outcome):
        return None
    asked = retry_after(outcome.headers) if isinstance(outcome, Answer) else 0.0
    if asked > policy.longest_retry_after:
        return None
    return max(asked, backoff(attempt, policy, roll=roll))


def error(
    outcome: Answer | Failure, request: Request, config: Config, *, doubtful: bool
) -> PurasError:
    """The exception for a call that is given up. `doubtful`: one of its tries may have worked."""
    if isinstance(outcome, Answer):
        return api_error(outcome)
    kind = PurasTimeoutError if outcome.timed_out else PurasConnectionError
    text = f"{request.method} {config.api_base}{request.path}: {outcome.reason}"
    if doubtful:
        text += f"; {_doubt(request)}"
    raised = kind(text)
    raised.__cause__ = outcome.cause
    return raised


def _doubt(request: Request) -> str:
    if request.source is not None:
        return "the file may have been stored all the same"
    return (
        "the job may exist all the same: look for it before you submit again, or, where the "
        f"server keeps keys, submit with idempotency_key={request.idempotency_key!r}"
    )
