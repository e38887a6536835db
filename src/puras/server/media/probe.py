"""What a media file is, from its own bytes: sizes and lengths, without decoding it.

The files are strangers'. Only formats that hold their own data are read: a playlist, for one, could
make the library open other files or connect to addresses inside of the operator's network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

PICTURE_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MAX_PIXELS: Final = 50_000_000
_RECORDINGS: Final = {
    "format_whitelist": (
        "wav,w64,aiff,caf,mp3,flac,ogg,aac,ac3,eac3,amr,au,asf,avi,flv,matroska,webm,"
        "mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts"
    ),
    "protocol_whitelist": "file",
}


class Unreadable(Exception):
    """A file is no image, or no audio or video; the text says what it is not."""


def picture_facts(file: Path) -> dict[str, Any]:
    """Return `{width, height}` of an image. Raises Unreadable."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=PICTURE_FORMATS) as opened:
            width, height = opened.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise Unreadable("it is no image") from None
    if width * height > MAX_PIXELS:
        raise Unreadable(f"it has more than {MAX_PIXELS:,} pixels")
    return {"width": width, "height": height}


def recording_facts(file: Path) -> dict[str, Any]:
    """Return `{duration_seconds}` of audio or video, and `{width, height}` of the latter.

    Raises:
        Unreadable: it is neither.
    """
    import av

    try:
        with av.open(str(file), options=dict(_RECORDINGS)) as container:
            seconds = _seconds(container)
            facts: dict[str, Any] = {"duration_seconds": round(seconds, 3)}
            if container.streams.video:
                video = container.streams.video[0]
                facts |= {"width": video.width, "height": video.height}
            elif not container.streams.audio:
                raise Unreadable("it has neither sound nor pictures")
            return facts
    except (av.FFmpegError, OSError, ValueError):
        raise Unreadable("it is neither audio nor video") from None


def _seconds(container: Any) -> float:
    """Return a length in seconds, by the packets where the head does not tell."""
    if container.duration:
        return float(container.duration) / 1_000_000
    last = 0.0
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return last
