"""What is found out of a stranger's file, and what it must not make the server do."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from puras.server.media.probe import Unreadable, picture_facts, recording_facts

from ...providers.media_server import audio_bytes, media_server, video_bytes


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    file = tmp_path / name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_a_picture_has_a_size_whatever_its_name(tmp_path: Path, kind: str) -> None:
    out = BytesIO()
    Image.new("RGB", (30, 20)).save(out, kind)
    assert picture_facts(put(tmp_path, "x.txt", out.getvalue())) == {"width": 30, "height": 20}


@pytest.mark.parametrize(
    ("form", "codec"), [("mp3", "libmp3lame"), ("flac", "flac"), ("ogg", "libopus")]
)
def test_a_recording_has_a_length(tmp_path: Path, form: str, codec: str) -> None:
    source, target = put(tmp_path, "a.wav", audio_bytes()), tmp_path / "b"
    with av.open(str(source)) as read, av.open(str(target), "w", format=form) as written:
        stream = written.add_stream(codec, rate=16_000)
        for frame in read.decode(audio=0):
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    assert recording_facts(target)["duration_seconds"] == pytest.approx(1.5, abs=0.1)


def test_a_film_has_a_length_and_a_size(tmp_path: Path) -> None:
    facts = recording_facts(put(tmp_path, "a", video_bytes()))
    assert facts["duration_seconds"] == pytest.approx(1, abs=0.1)
    assert (facts["width"], facts["height"]) == (114, 64)


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 1000])
def test_what_is_neither_is_said_so(tmp_path: Path, content: bytes) -> None:
    file = put(tmp_path, "a", content)
    with pytest.raises(Unreadable, match="neither audio nor video"):
        recording_facts(file)
    with pytest.raises(Unreadable, match="no image"):
        picture_facts(file)


def test_a_picture_of_too_many_pixels_is_not_opened(tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("1", (8_000, 8_000)).save(out, "PNG")
    with pytest.raises(Unreadable, match="more than 50,000,000 pixels"):
        picture_facts(put(tmp_path, "x.png", out.getvalue()))


@pytest.mark.parametrize("name", ["talk.m3u8", "talk.wav"])
def test_a_playlist_makes_the_server_open_nothing(tmp_path: Path, name: str) -> None:
    inside = put(tmp_path, "secret.mp4", video_bytes())
    with media_server() as server:
        for place in (f"{server.base}/files/a.wav", inside.name, f"file:{inside}"):
            for text in (
                f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{place}\n#EXT-X-ENDLIST\n",
                f"ffconcat version 1.0\nfile '{place}'\n",
            ):
                with pytest.raises(Unreadable):
                    recording_facts(put(tmp_path, name, text.encode()))
        assert server.asked == []
