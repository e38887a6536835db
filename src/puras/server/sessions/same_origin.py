"""Whether a request that changes a session comes from a page of this server's own: pure.

A cookie goes along with requests that other sites make the browser send; `SameSite=Strict` keeps
it back, and what is asked here holds where a browser does not know that.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from puras.server.refusals import Refused

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check_same_origin(headers: Mapping[str, str], *, method: str, public_url: str) -> None:
    """Raises Refused (`not_same_origin`) for what a page of another origin could have sent."""
    if method == "POST" and _media_type(headers) != "application/json":
        raise Refused("not_same_origin", "send `Content-Type: application/json`")
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site") == "same-origin":
            return
        raise Refused("not_same_origin", f"send the header `Origin: {origin_of(public_url)}`")
    if origin == origin_of(public_url) or _is_own_on_loopback(origin, headers.get("host", "")):
        return
    raise Refused(
        "not_same_origin",
        f"a page of {origin[:200]} can't sign in here: open {public_url}, or let the operator set "
        "PURAS_PUBLIC_URL to the address that browsers use",
    )


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers write it: no path, no port that goes without saying.

    A URL that can't be read has none: the empty string.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + ("" if port in {None, usual} else f":{port}")


def _is_own_on_loopback(origin: str, host: str) -> bool:
    """A name of this machine that is the request's own host: `localhost` for `127.0.0.1`, or the
    port under which a container is reached. No other machine's page can have such an origin."""
    try:
        named = urlsplit(origin).hostname in _LOOPBACK
    except ValueError:
        return False
    return named and origin in {origin_of(f"http://{host}"), origin_of(f"https://{host}")}


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
