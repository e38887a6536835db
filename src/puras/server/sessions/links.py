"""Where a one-time link leads."""

from __future__ import annotations

from urllib.parse import quote

from puras.server.settings import Settings


def link_url(settings: Settings, secret: str, *, page: str | None = None) -> str:
    """Return the URL of a link that leads to `page`, a path of the dashboard; by default to its
    first. The secret stands behind `#`, which browsers send to no server: so it gets into no log on
    the way."""
    query = "" if page is None else f"?next={quote(page)}"
    return f"{settings.public_url}/login{query}#{secret}"
