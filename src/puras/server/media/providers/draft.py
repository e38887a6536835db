"""`local/draft`: real files without a key, drawn and sounded here, in a thread.

Nobody can take one for the real thing: the file, its metadata and the answer say that it is a
draft. The same request gives the same bytes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from puras.server.media.adapt import Adapted
from puras.server.media.draft.film import FRAMES_PER_SECOND, write_film
from puras.server.media.draft.picture import LABEL, card_size, draw_card
from puras.server.media.draft.sound import RATE, as_wav, spoken
from puras.server.media.probe import Unreadable, picture_facts, recording_facts
from puras.server.media.providers.port import Made, MediaFailed, Order, Reference, Transcript
from puras.server.media.verbs import MAX_AUDIO_SECONDS, ratio

_AT_ONCE = 2
_MOST_COMMENT = 1000
_WORD_SECONDS = 0.4
_MOST_WORDS = 2000

T = TypeVar("T")


class DraftProvider:
    """Makes drafts, a few at once."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)

    def why_not(self) -> str | None:
        return None

    async def make(self, order: Order) -> Made:
        """Make a draft of what is ordered. Raises MediaFailed for a reference that is no image."""
        references = await order.references()
        kind = order.adapted.request.kind
        async with self._free:
            if kind == "image":
                return await _in_thread(lambda _: _image(order, references))
            if kind == "video":
                return await _in_thread(lambda stop: _video(order, references, stop))
            if kind == "audio":
                return await _in_thread(lambda _: _audio(order))
            return await _in_thread(lambda _: _transcript(order, references))


async def _in_thread(work: Callable[[threading.Event], T]) -> T:
    """Work in a thread; when nobody waits any more, it is told to stop."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop)
    except asyncio.CancelledError:
        stop.set()
        raise


def _image(order: Order, references: Sequence[Reference]) -> Made:
    from PIL.PngImagePlugin import PngInfo

    picture = _card(order.adapted, references)
    info = PngInfo()
    info.add_text("Software", "Puras local/draft")
    info.add_itxt("Description", _comment(order.adapted))
    target = order.folder / "draft.png"
    picture.save(target, pnginfo=info)
    return Made(target, meta=_meta(width=picture.width, height=picture.height))


def _video(order: Order, references: Sequence[Reference], stop: threading.Event) -> Made:
    adapted, target = order.adapted, order.folder / "draft.mp4"
    picture = _card(adapted, references, short_edge=int(adapted.used["resolution"].rstrip("p")))
    seconds = float(adapted.used["duration"])
    sound = adapted.used.get("sound")
    codec = write_film(
        picture,
        target,
        seconds=seconds,
        samples=spoken(str(adapted.used["prompt"]), seconds=seconds) if sound else None,
        comment=_comment(adapted),
        stop=stop,
    )
    return Made(target, meta=_meta(**recording_facts(target), codec=codec, fps=FRAMES_PER_SECOND))


def _audio(order: Order) -> Made:
    used, target = order.adapted.used, order.folder / "draft.wav"
    seconds = used.get("duration")
    samples = spoken(str(used["prompt"]), seconds=seconds, most_seconds=MAX_AUDIO_SECONDS)
    target.write_bytes(as_wav(samples, comment=_comment(order.adapted)))
    return Made(
        target,
        meta=_meta(duration_seconds=round(len(samples) / 2 / RATE, 3), sample_rate=RATE),
    )


def _transcript(order: Order, references: Sequence[Reference]) -> Made:
    """Give words that nobody said, over the time that the recording really has."""
    (heard,) = references
    facts = _facts(recording_facts, heard)
    words = f"[draft transcript of {heard.name}]".split()
    seconds = facts["duration_seconds"]
    said = [words[n % len(words)] for n in range(_word_count(seconds, len(words)))]
    each = seconds / len(said)
    timed = [
        {"text": word, "start": round(n * each, 3), "end": round((n + 1) * each, 3)}
        for n, word in enumerate(said)
    ]
    language = order.adapted.used.get("language") or "en"
    return Made(meta=_meta(**facts), transcript=Transcript(" ".join(said), timed, language))


def _word_count(seconds: float, least: int) -> int:
    wanted = min(round(seconds / _WORD_SECONDS), _MOST_WORDS)
    return max(1, wanted // least) * least


def _card(
    adapted: Adapted, references: Sequence[Reference], *, short_edge: int | None = None
) -> Any:
    for reference in references:
        _facts(picture_facts, reference)
    size = adapted.request.size
    return draw_card(
        str(adapted.used["prompt"]),
        size=card_size(ratio(adapted.used["aspect_ratio"]), short_edge=short_edge, size=size),
        seed=adapted.used.get("seed"),
        references=[reference.path for reference in references],
    )


def _facts(probe: Callable[[Path], dict[str, Any]], reference: Reference) -> dict[str, Any]:
    try:
        return probe(reference.path)
    except Unreadable as error:
        raise MediaFailed(f"`{reference.name}` can't be used: {error}") from None


def _comment(adapted: Adapted) -> str:
    return f"{LABEL}: {adapted.used['prompt']}"[:_MOST_COMMENT]


def _meta(**facts: Any) -> dict[str, Any]:
    return {"draft": True, **facts}
