"""HTTP calls to providers: their errors as sentences, and patience where they ask for it.

A call is tried again on 408, 409, 429, 5xx and broken connections, after a wait that grows and
that `Retry-After` may set. A call that must not happen twice is tried again only where it surely
was not heard.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from puras.server.media.providers.port import MAX_MEDIA_BYTES, MediaFailed

TRIES = 4
MAX_ANSWER_BYTES = 128 * 1024 * 1024
"""Of what is no file by itself: JSON, with a picture in it at most, and spoken text."""
LONGEST_ANSWER_SECONDS = 900.0
_CHUNK_BYTES = 64 * 1024
_AGAIN = frozenset({408, 409, 429})
_LONGEST_WAIT = 30.0
_MOST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Provided:
    """Where a provider is reached, and what proves that we may.

    first_wait  seconds before the second try; each further wait is twice as long
    most_bytes  of an answer that is no file by itself, unpacked
    """

    name: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    key: str = field(repr=False)
    first_wait: float = 0.5
    most_bytes: int = MAX_ANSWER_BYTES

    @asynccontextmanager
    async def client(self, *, seconds: float) -> AsyncIterator[httpx2.AsyncClient]:
        """Open a client for one call of ours; `seconds` is how long an answer may take."""
        timeout = httpx2.Timeout(seconds, connect=10.0)
        async with httpx2.AsyncClient(
            headers={**self.headers, "User-Agent": "puras"}, timeout=timeout, trust_env=False
        ) as client:
            yield client

    async def send(
        self,
        client: httpx2.AsyncClient,
        method: str,
        url: str,
        *,
        once: bool = False,
        most: int | None = None,
        **content: Any,
    ) -> httpx2.Response:
        """Send a request and return an answer of 2xx; `once`: it must not happen twice.

        `url` is absolute, or a path below the base URL; `most` is in bytes, else `most_bytes`.

        Raises:
            MediaFailed: the provider refused, or stayed away; with its words where it has any. Or
                its answer had too many bytes, or no end.
        """
        whole = url if "://" in url else f"{self.base_url}{url}"
        for tries_left in reversed(range(TRIES)):
            try:
                answer = await self._answer(client, method, whole, most or self.most_bytes, content)
            except httpx2.HTTPError as error:
                unheard = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                if not tries_left or (once and not unheard):
                    raise self._away(error, unknown=once and not unheard) from None
                wait = self._wait(tries_left)
            else:
                if answer.is_success:
                    return answer
                if not tries_left or not _may_pass(answer.status_code):
                    raise self.refused(answer)
                wait = max(self._wait(tries_left), _asked_wait(answer))
            await asyncio.sleep(min(wait, _LONGEST_WAIT))
        raise AssertionError("the last try returns or raises")

    async def _answer(
        self,
        client: httpx2.AsyncClient,
        method: str,
        url: str,
        most: int,
        content: Mapping[str, Any],
    ) -> httpx2.Response:
        """Read an answer as far as it may go: a provider is somebody else's server."""
        body = bytearray()
        try:
            async with (
                asyncio.timeout(LONGEST_ANSWER_SECONDS),
                client.stream(method, url, **content) as head,
            ):
                async for chunk in head.aiter_bytes(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > most:
                        raise MediaFailed(f"{self.name} gave an answer over {most:,} bytes")
        except TimeoutError:
            raise MediaFailed(
                f"{self.name} did not end its answer in {LONGEST_ANSWER_SECONDS:.0f} s"
            ) from None
        headers = httpx2.Headers(head.headers)
        for name in ("content-encoding", "content-length", "transfer-encoding"):
            headers.pop(name, None)
        return httpx2.Response(
            head.status_code, headers=headers, content=bytes(body), request=head.request
        )

    def refused(self, answer: httpx2.Response) -> MediaFailed:
        """Say what a provider's answer means, and what to do next."""
        status = answer.status_code
        said = self.without_key(_words(answer))
        if status in (401, 403):
            hint = "the operator's key is not accepted"
        elif status == 402:
            hint = "the operator's account there has no credit"
        elif _may_pass(status):
            hint = "try again later"
        else:
            hint = "change the request"
        return MediaFailed(f"{self.name} answered {status}{f' ({said})' if said else ''}: {hint}")

    def without_key(self, text: str) -> str:
        """Return a text that quotes a provider, without the key if it does."""
        return text.replace(self.key, "••••") if self.key else text

    def _away(self, error: httpx2.HTTPError, *, unknown: bool) -> MediaFailed:
        why = type(error).__name__
        if unknown:
            return MediaFailed(f"{self.name} broke off ({why}); it may have made it all the same")
        return MediaFailed(f"{self.name} can't be reached ({why}): try again later")

    def _wait(self, tries_left: int) -> float:
        whole = self.first_wait * 2 ** (TRIES - 1 - tries_left)
        return float(whole * random.uniform(0.5, 1))


def read_json(provided: Provided, answer: httpx2.Response) -> dict[str, Any]:
    """Return an answer's JSON object. Raises MediaFailed where it has none."""
    try:
        value = answer.json()
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise MediaFailed(f"{provided.name} gave an answer that is no JSON object: try again later")
    return value


def checked_content(provided: Provided, answer: httpx2.Response) -> bytes:
    """Return an answer's bytes. Raises MediaFailed for none, or for too many."""
    if not answer.content:
        raise MediaFailed(f"{provided.name} gave an empty file: try again later")
    if len(answer.content) > MAX_MEDIA_BYTES:
        raise MediaFailed(f"{provided.name} gave a file over {MAX_MEDIA_BYTES:,} bytes")
    return bytes(answer.content)


def _may_pass(status: int) -> bool:
    return status in _AGAIN or status >= 500


def _asked_wait(answer: httpx2.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _words(answer: httpx2.Response) -> str:
    """Return what an error answer says, in the forms that the providers have."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return ""
    said: Any = body
    for name in ("error", "detail", "message", "msg"):
        if isinstance(said, list):
            said = said[0] if said else ""
        if isinstance(said, dict) and name in said:
            said = said[name]
    return said[:_MOST_WORDS] if isinstance(said, str) else ""
