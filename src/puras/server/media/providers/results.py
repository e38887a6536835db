"""Brings a provider's file home, and looks whether it is what it should be."""

from __future__ import annotations

import asyncio
import base64
import binascii
from pathlib import Path
from typing import Any

from puras.server.drive import endings
from puras.server.fetch import Fetcher
from puras.server.media.probe import Unreadable, picture_facts, recording_facts
from puras.server.media.providers.calling import Provided, checked_content
from puras.server.media.providers.port import MAX_MEDIA_BYTES, MediaFailed, Order
from puras.server.media.verbs import MediaKind
from puras.server.refusals import Refused

_FETCH_SECONDS = 300.0
_USUAL = {"image": ".png", "video": ".mp4", "audio": ".mp3", "transcript": ".txt"}


async def keep_bytes(order: Order, provided: Provided, content: bytes, *, mime: str) -> Path:
    """Write what a provider made into the order's folder."""
    kind = order.adapted.request.kind
    target = order.folder / f"made{ending_of(kind, mime)}"
    await asyncio.to_thread(target.write_bytes, content)
    return target


async def fetch_file(
    order: Order, provided: Provided, fetcher: Fetcher, *, url: str, mime: str = ""
) -> Path:
    """Download what a provider made.

    A URL on the provider's own origin, which the operator chose, is read from there; any other one
    is read as a caller's would be.
    """
    if url.startswith("data:"):
        head, _, body = url.partition(",")
        content = read_base64(provided, body)
        mime = head.removeprefix("data:").partition(";")[0]
        return await keep_bytes(order, provided, content, mime=mime)
    if same_origin(url, provided.base_url):
        async with provided.client(seconds=_FETCH_SECONDS) as client:
            answer = await provided.send(client, "GET", url, most=MAX_MEDIA_BYTES)
        mime = mime or answer.headers.get("content-type", "")
        content = checked_content(provided, answer)
        return await keep_bytes(order, provided, content, mime=mime)
    target = order.folder / "fetched"
    try:
        fetched = await fetcher.fetch(url, target, limit=MAX_MEDIA_BYTES, timeout=_FETCH_SECONDS)
    except Refused as refusal:
        raise MediaFailed(f"{provided.name}'s file can't be read: {refusal.detail}") from None
    kind = order.adapted.request.kind
    return target.rename(order.folder / f"made{ending_of(kind, mime or fetched.mime)}")


async def facts_of(order: Order, provided: Provided, file: Path) -> dict[str, Any]:
    """Return what the file is. Raises MediaFailed where it is not of the kind that was ordered."""
    kind = order.adapted.request.kind
    probe = picture_facts if kind == "image" else recording_facts
    try:
        return await asyncio.to_thread(probe, file)
    except Unreadable as error:
        raise MediaFailed(f"{provided.name} gave a file that is no {kind}: {error}") from None


def read_base64(provided: Provided, text: str) -> bytes:
    """Decode base64. Raises MediaFailed."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MediaFailed(f"{provided.name} gave base64 that is none: try again later") from None


def ending_of(kind: MediaKind, mime: str) -> str:
    """Return the ending of a file's name, by its type; else the usual one of its kind."""
    plain = mime.partition(";")[0].strip().lower()
    return (plain.startswith(f"{kind}/") and endings.ending_of(plain)) or _USUAL[kind]


def same_origin(url: str, base_url: str) -> bool:
    """Tell whether a URL is on the origin of a base URL."""
    import httpx2

    try:
        one, other = httpx2.URL(url), httpx2.URL(base_url)
    except httpx2.InvalidURL:
        return False
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)
