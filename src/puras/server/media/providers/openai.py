"""OpenAI: images that come in the answer, speech, and transcripts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from puras.server.media.providers.calling import Provided, checked_content, read_json
from puras.server.media.providers.port import Made, MediaFailed, Order, Reference, Transcript
from puras.server.media.providers.results import facts_of, keep_bytes, read_base64

_ANSWER_SECONDS = 300.0
_CODES = {
    "arabic": "ar",
    "chinese": "zh",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hebrew": "he",
    "hindi": "hi",
    "hungarian": "hu",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "norwegian": "no",
    "polish": "pl",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "thai": "th",
    "turkish": "tr",
    "ukrainian": "uk",
    "vietnamese": "vi",
}
_MIMES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True, slots=True)
class OpenAIProvider:
    """Makes media with OpenAI's models, or those of a server that speaks as it does."""

    provided: Provided

    def why_not(self) -> str | None:
        return None if self.provided.key else "OPENAI_API_KEY is not set"

    async def make(self, order: Order) -> Made:
        kind = order.adapted.request.kind
        references = await order.references()
        async with self.provided.client(seconds=_ANSWER_SECONDS) as client:
            if kind == "image":
                return await self._image(client, order, references)
            if kind == "audio":
                return await self._speech(client, order)
            if kind == "transcript":
                return await self._transcript(client, order, references)
        raise MediaFailed(f"OpenAI makes no {kind} here: choose another model")

    async def _image(
        self, client: httpx2.AsyncClient, order: Order, references: Sequence[Reference]
    ) -> Made:
        body = {"model": order.adapted.model, "n": 1, **order.adapted.body}
        if references:
            answer = await self._send(
                client, order, "/images/edits", data=_form(body), files=await _images(references)
            )
        else:
            answer = await self._send(client, order, "/images/generations", json=body)
        made = read_json(self.provided, answer)
        data = made.get("data") or [{}]
        content = read_base64(self.provided, str(data[0].get("b64_json") or ""))
        if not content:
            raise MediaFailed("OpenAI's answer has no image: try again")
        mime = _MIMES.get(str(made.get("output_format")), "image/png")
        return await self._made(order, answer, content, mime=mime)

    async def _speech(self, client: httpx2.AsyncClient, order: Order) -> Made:
        body = {"model": order.adapted.model, **order.adapted.body}
        answer = await self._send(client, order, "/audio/speech", json=body)
        content = checked_content(self.provided, answer)
        mime = answer.headers.get("content-type", "")
        return await self._made(order, answer, content, mime=mime)

    async def _transcript(
        self, client: httpx2.AsyncClient, order: Order, references: Sequence[Reference]
    ) -> Made:
        (heard,) = references
        content = await asyncio.to_thread(heard.path.read_bytes)
        body = {"model": order.adapted.model, **order.adapted.body}
        answer = await self._send(
            client,
            order,
            "/audio/transcriptions",
            data=_form(body),
            files=[("file", (heard.name, content, heard.mime))],
        )
        told = read_json(self.provided, answer)
        words = [
            {"text": word["word"], "start": word["start"], "end": word["end"]}
            for word in told.get("words") or []
        ]
        language = order.adapted.used.get("language") or _code_of(told.get("language"))
        seconds = told.get("duration")
        return Made(
            request_id=answer.headers.get("x-request-id"),
            meta={} if seconds is None else {"duration_seconds": float(seconds)},
            transcript=Transcript(str(told.get("text") or ""), words, language),
        )

    async def _send(
        self, client: httpx2.AsyncClient, order: Order, path: str, **content: Any
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": order.call.idempotency_key}
        return await self.provided.send(client, "POST", path, headers=headers, **content)

    async def _made(
        self, order: Order, answer: httpx2.Response, content: bytes, *, mime: str
    ) -> Made:
        file = await keep_bytes(order, self.provided, content, mime=mime)
        meta = await facts_of(order, self.provided, file)
        return Made(file, answer.headers.get("x-request-id"), meta)


def _form(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body's values as the fields of a form."""
    return {name: value if isinstance(value, list) else str(value) for name, value in body.items()}


async def _images(references: Sequence[Reference]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [
        ("image[]", (one.name, await asyncio.to_thread(one.path.read_bytes), one.mime))
        for one in references
    ]


def _code_of(language: str | None) -> str | None:
    """Return the code of a language that came as an English word; a word not known stays."""
    return None if language is None else _CODES.get(language.lower(), language)
