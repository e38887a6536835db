"""What a page of ours may do in a browser: nothing inline, nothing from elsewhere but pictures.

Results name files by URLs: of this server, whose public address may be another than the one that
the browser opened, of the bucket, or of a model's provider (https).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from puras.server.sessions.same_origin import origin_of


def page_headers(file_urls: Iterable[str]) -> Mapping[str, str]:
    """Return the headers of every page and file; `file_urls` is how signed URLs begin."""
    origins = sorted({origin for url in file_urls if (origin := origin_of(url))})
    files = " ".join(["https:", *(each for each in origins if not each.startswith("https:"))])
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: blob: {files}",
        "media-src": f"'self' blob: {files}",
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
