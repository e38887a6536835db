"""ElevenLabs: speech, and transcripts with the time of each word."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from puras.server.media.providers.calling import Provided, checked_content, read_json
from puras.server.media.providers.port import Made, MediaFailed, Order, Reference, Transcript
from puras.server.media.providers.results import facts_of, keep_bytes

_ANSWER_SECONDS = 300.0
_FORMAT = "mp3_44100_128"


@dataclass(frozen=True, slots=True)
class ElevenLabsProvider:
    """Speaks and listens with the models of ElevenLabs."""

    provided: Provided

    def why_not(self) -> str | None:
        return None if self.provided.key else "ELEVENLABS_API_KEY is not set"

    async def make(self, order: Order) -> Made:
        kind = order.adapted.request.kind
        async with self.provided.client(seconds=_ANSWER_SECONDS) as client:
            if kind == "audio":
                return await self._speech(client, order)
            if kind == "transcript":
                return await self._transcript(client, order, await order.references())
        raise MediaFailed(f"ElevenLabs makes no {kind}: choose another model")

    async def _speech(self, client: httpx2.AsyncClient, order: Order) -> Made:
        body = {**order.adapted.body, "model_id": order.adapted.model}
        voice = quote(str(body.pop("voice")), safe="")
        answer = await self.provided.send(
            client,
            "POST",
            f"/v1/text-to-speech/{voice}",
            params={"output_format": _FORMAT},
            json=body,
        )
        content = checked_content(self.provided, answer)
        mime = answer.headers.get("content-type", "")
        file = await keep_bytes(order, self.provided, content, mime=mime)
        meta = await facts_of(order, self.provided, file)
        return Made(file, answer.headers.get("request-id"), meta)

    async def _transcript(
        self, client: httpx2.AsyncClient, order: Order, references: Sequence[Reference]
    ) -> Made:
        (heard,) = references
        content = await asyncio.to_thread(heard.path.read_bytes)
        fields = {**order.adapted.body, "model_id": order.adapted.model}
        answer = await self.provided.send(
            client,
            "POST",
            "/v1/speech-to-text",
            data={name: str(value) for name, value in fields.items()},
            files={"file": (heard.name, content, heard.mime)},
        )
        told = read_json(self.provided, answer)
        request_id = told.get("transcription_id") or answer.headers.get("request-id")
        transcript = Transcript(str(told.get("text") or ""), _words(told), _language(told))
        return Made(request_id=request_id, transcript=transcript)


def _words(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the words, without the spaces and noises between them."""
    return [
        {"text": word["text"], "start": word["start"], "end": word["end"]}
        for word in told.get("words") or []
        if word.get("type", "word") == "word"
    ]


def _language(told: dict[str, Any]) -> str | None:
    code = told.get("language_code")
    return str(code) if code else None
