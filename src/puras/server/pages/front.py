"""Which requests are for the dashboard, and the answers to those.

A path has a page where somebody asks for HTML and it is none of the API's: what is shown there the
dashboard decides in the browser. To anything that does not ask for HTML, such as curl at `/`, the
API answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from puras.server.pages.built import Built, BuiltFiles
from puras.server.pages.policy import page_headers

NOT_PAGES: Final = frozenset({"v1", "health", "ready", "metrics", "mcp", "session", "assets"})
"""First segments of what is answered otherwise, whoever asks."""

_FOR_EVER = "public, max-age=31536000, immutable"
_UNBUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Puras</title>
<h1>Puras is running.</h1>
<p>The dashboard is not built here: run <code>make dashboard</code> in the source folder (it needs
Node), or install the package, which has it.</p>
<p>Everything else works without: the API at <code>/v1</code>, the command line and the SDKs;
<a href="/health">/health</a> and <a href="/ready">/ready</a> say how the server is.</p>
</html>
"""


class Pages:
    """An ASGI application for the requests that it `takes`."""

    def __init__(self, files: BuiltFiles, *, file_urls: Iterable[str]) -> None:
        self._files = files
        self._headers = page_headers(file_urls)

    def takes(self, scope: Scope) -> bool:
        if scope["method"] not in {"GET", "HEAD"}:
            return False
        path: str = scope["path"]
        first = path[1:].partition("/")[0]
        if first in NOT_PAGES:
            return first == "assets"
        return _wants_html(scope) or self._beside_the_index(scope) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        is_asset = scope["path"].startswith("/assets/")
        if is_asset or not _wants_html(scope):
            built = self._named(scope)
            if built is None:
                raise HTTPException(404)
        else:
            encodings = headers.get("accept-encoding", "")
            built = self._beside_the_index(scope) or self._files.find(
                "index.html", accept_encoding=encodings
            )
        if built is None:
            response = Response(_UNBUILT, headers=self._head("no-cache"), media_type="text/html")
        else:
            response = self._response(
                built, caching=_FOR_EVER if is_asset else "no-cache", known=headers
            )
        await response(scope, receive, send)

    def _named(self, scope: Scope) -> Built | None:
        encodings = Headers(scope=scope).get("accept-encoding", "")
        return self._files.find(unquote(scope["path"]).lstrip("/"), accept_encoding=encodings)

    def _beside_the_index(self, scope: Scope) -> Built | None:
        """Return a file such as `/favicon.svg`: its name has one segment, with a dot in it."""
        name: str = scope["path"][1:]
        return self._named(scope) if "." in name and "/" not in name else None

    def _response(self, built: Built, *, caching: str, known: Headers) -> Response:
        headers = self._head(caching) | {"ETag": built.etag}
        if built.encoding is not None:
            headers["Content-Encoding"] = built.encoding
        if _matches(known.get("if-none-match", ""), built.etag):
            return Response(status_code=304, headers=headers)
        return Response(built.content, headers=headers | {"Content-Type": built.kind})

    def _head(self, caching: str) -> dict[str, str]:
        return {**self._headers, "Cache-Control": caching, "Vary": "Accept, Accept-Encoding"}


def _wants_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "").lower()


def _matches(if_none_match: str, etag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return etag in known or "*" in known
