"""Where a one-time link leads."""

from __future__ import annotations

from puras.server.settings import Settings


def link_url(settings: Settings, secret: str) -> str:
    """Return the URL of a link. Its secret stands behind `#`, which browsers send to no server: so
    it gets into no log on the way."""
    return f"{settings.public_url}/login#{secret}"
