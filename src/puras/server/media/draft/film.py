"""A draft's video: its picture, with a bar that moves from the beginning to the end."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from puras.server.media.draft.sound import RATE

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FRAMES_PER_SECOND = 12
_ENCODERS = ("libx264", "mpeg4")
_BAR = (255, 196, 0)


class Stopped(Exception):
    """Nobody waits for the video any more."""


def write_film(
    picture: Picture,
    target: Path,
    *,
    seconds: float,
    samples: bytes | None,
    comment: str,
    stop: threading.Event,
) -> str:
    """Write an MP4 and return the name of its video codec. `samples` is the sound at RATE.

    One thread encodes, so that the same film comes out each time.

    Raises:
        Stopped: `stop` was set meanwhile.
    """
    import av

    with av.open(str(target), "w", format="mp4") as container:
        container.metadata.update(title="DRAFT", comment=comment)
        video: Any = container.add_stream(_encoder(), rate=FRAMES_PER_SECOND)
        video.width, video.height = picture.size
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        audio: Any = None if samples is None else container.add_stream("aac", rate=RATE)
        if audio is not None:
            audio.layout = "mono"
        _encode_pictures(container, video, picture, seconds=seconds, stop=stop)
        if audio is not None and samples is not None:
            _encode_sound(container, audio, samples)
        return str(video.codec_context.codec.canonical_name)


def _encode_pictures(
    container: Any, video: Any, picture: Picture, *, seconds: float, stop: threading.Event
) -> None:
    import av
    from PIL import ImageDraw

    count = max(1, round(seconds * FRAMES_PER_SECOND))
    width, height = picture.size
    top = height - max(4, height // 40)
    draw = ImageDraw.Draw(picture)
    frames: Any = av.VideoFrame
    for number in range(count):
        if stop.is_set():
            raise Stopped
        draw.rectangle((0, top, round(width * (number + 1) / count), height), fill=_BAR)
        frame = frames.from_image(picture)
        frame.pts = number
        frame.time_base = Fraction(1, FRAMES_PER_SECOND)
        container.mux(video.encode(frame))
    container.mux(video.encode(None))


def _encode_sound(container: Any, audio: Any, samples: bytes) -> None:
    import av

    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.planes[0].update(samples)
    frame.sample_rate = RATE
    frame.pts = 0
    frame.time_base = Fraction(1, RATE)
    container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def _encoder() -> str:
    import av

    return next(name for name in _ENCODERS if name in av.codecs_available)
