"""Who may read the metrics: whoever has the operator's token."""

from __future__ import annotations

import hmac


def may_read(authorization: str, *, token: str | None, open_without: bool) -> bool:
    """Compare a request's `Authorization` with the token; without one, `open_without` decides."""
    if token is None:
        return open_without
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(), token.encode()
    )
