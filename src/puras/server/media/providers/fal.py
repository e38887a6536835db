"""fal: a request is queued, asked for until it is done, and its file downloaded.

What is noted as soon as fal has the request is enough to find it again, so a later attempt asks for
the same one and never queues a second. A request whose answer to the queuing was lost can't be
found; the call fails then, and is not repeated behind the author's back.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from puras.server.fetch import Fetcher
from puras.server.media.providers.calling import Provided, read_json
from puras.server.media.providers.port import Made, MediaFailed, Order, Reference
from puras.server.media.providers.results import facts_of, fetch_file, same_origin

_ANSWER_SECONDS = 60.0
_LONGEST_SECONDS = 1800.0
_SLOWEST_LOOK = 3.0
_WAITING = frozenset({"IN_QUEUE", "IN_PROGRESS"})


@dataclass(frozen=True, slots=True)
class FalProvider:
    """Makes media on fal. `first_look` is how many seconds pass before the first look."""

    provided: Provided
    fetcher: Fetcher
    first_look: float = 0.25

    def why_not(self) -> str | None:
        return None if self.provided.key else "FAL_KEY is not set"

    async def make(self, order: Order) -> Made:
        async with self.provided.client(seconds=_ANSWER_SECONDS) as client:
            queued = order.call.note or await self._queue(client, order)
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._until_done(client, queued)
            except TimeoutError:
                raise MediaFailed(
                    f"fal was not done in {_LONGEST_SECONDS / 60:.0f} minutes: ask for less"
                ) from None
            answer = await self.provided.send(client, "GET", queued["response_url"])
        url, mime = _file_in(read_json(self.provided, answer))
        file = await fetch_file(order, self.provided, self.fetcher, url=url, mime=mime)
        meta = await facts_of(order, self.provided, file)
        return Made(file, queued["request_id"], meta)

    async def _queue(self, client: httpx2.AsyncClient, order: Order) -> dict[str, str]:
        """Queue the request, and note where it is found."""
        references = await order.references()
        body = {**order.adapted.body, **await asyncio.to_thread(_with_files, order, references)}
        model = order.adapted.model
        answer = await self.provided.send(client, "POST", f"/{model}", json=body, once=True)
        queued = self._places(read_json(self.provided, answer))
        await order.call.remember(queued)
        return queued

    def _places(self, answer: Mapping[str, Any]) -> dict[str, str]:
        """Return a request's id and URLs. The key goes along with these, so it must be fal's."""
        names = ("request_id", "status_url", "response_url")
        places = {name: str(answer.get(name) or "") for name in names}
        if not all(places.values()) or not all(
            same_origin(places[name], self.provided.base_url) for name in names[1:]
        ):
            raise MediaFailed("fal queued the request at a place that is not its own: try again")
        return places

    async def _until_done(self, client: httpx2.AsyncClient, queued: Mapping[str, str]) -> None:
        """Look at a request until it is done; the looks become rarer."""
        pause = self.first_look
        while True:
            answer = await self.provided.send(client, "GET", queued["status_url"])
            told = read_json(self.provided, answer)
            if (status := told.get("status")) == "COMPLETED":
                if told.get("error"):
                    said = self.provided.without_key(str(told["error"])[:300])
                    raise MediaFailed(f"fal could not make it: {said}")
                return
            if status not in _WAITING:
                raise MediaFailed(f"fal gave the request up ({status}): try again")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _SLOWEST_LOOK)


def _with_files(order: Order, references: Sequence[Reference]) -> dict[str, Any]:
    """Return the part of a body that holds the references, as data URIs."""
    if not references:
        return {}
    takes = order.adapted.family.takes["images"]
    sent = [_data_uri(reference) for reference in references]
    return {takes.name: sent[0] if takes.lone else sent}


def _data_uri(reference: Reference) -> str:
    content = base64.b64encode(reference.path.read_bytes()).decode()
    return f"data:{reference.mime};base64,{content}"


def _file_in(result: Mapping[str, Any]) -> tuple[str, str]:
    """Return URL and type of the one file in a result: `images`, `image`, `video` or `audio`."""
    for name in ("images", "image", "video", "audio", "audio_file"):
        value = result.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, Mapping) and isinstance(first.get("url"), str):
            return first["url"], str(first.get("content_type") or "")
    raise MediaFailed("fal's result has no file: try again")
