"""A draft's sound: a tone for each syllable of the text, as long as saying it would take."""

from __future__ import annotations

import array
import functools
import math
import re
import struct
import sys

RATE = 16_000
_SYLLABLE_SECONDS = 0.18
_PAUSE_SECONDS = 0.08
_LEAST_SECONDS = 0.5
_VOWELS = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôû]+", re.IGNORECASE)
_NOTES = (220.0, 247.0, 262.0, 294.0, 330.0, 349.0, 392.0)
_FADE = RATE // 100
_LOUDNESS = 6_000


def spoken(text: str, *, seconds: float | None = None, most_seconds: float = 600.0) -> bytes:
    """Return 16-bit mono samples for a text, at RATE; `seconds` cuts or fills up to a length."""
    limit = round((most_seconds if seconds is None else seconds) * RATE)
    samples = bytearray()
    for word in text.split():
        for place in range(syllables(word)):
            samples += _tone(_NOTES[(len(word) + place) % len(_NOTES)])
        samples += bytes(2 * round(_PAUSE_SECONDS * RATE))
        if len(samples) >= 2 * limit:
            break
    least = round(_LEAST_SECONDS * RATE) if seconds is None else limit
    samples += bytes(max(0, 2 * least - len(samples)))
    return bytes(samples[: 2 * limit])


def syllables(word: str) -> int:
    """Count a word's groups of vowels; one at least, and one for two letters without any."""
    return max(1, len(_VOWELS.findall(word)) or len(word) // 2)


def as_wav(samples: bytes, *, comment: str) -> bytes:
    """Return a WAV file of samples, with a comment in its head."""
    rate = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    info = b"INFO" + _chunk(b"ICMT", comment.encode("utf-8", "replace") + b"\0")
    body = b"WAVE" + _chunk(b"fmt ", rate) + _chunk(b"LIST", info) + _chunk(b"data", samples)
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@functools.cache
def _tone(hertz: float) -> bytes:
    """Return one syllable, faded in and out so that it does not click."""
    count = round(_SYLLABLE_SECONDS * RATE)
    samples = array.array("h")
    for place in range(count):
        fade = min(1.0, place / _FADE, (count - place) / _FADE)
        wave = math.sin(2 * math.pi * hertz * place / RATE)
        samples.append(round(_LOUDNESS * fade * wave))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
