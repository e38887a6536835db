"""Drafts are real files of what was asked for, the same each time, and say that they are drafts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from puras.server.media.providers.draft import DraftProvider
from puras.server.media.providers.port import Made, MediaFailed, Reference

from .support import adapted, order


async def make(verb: str, *references: Reference, **arguments: Any) -> Made:
    return await DraftProvider().make(order(adapted(verb, **arguments), references=references))


def file_of(made: Made) -> Path:
    assert made.file is not None
    return made.file


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "9:16"}, (576, 1024)),
        ({"aspect_ratio": "21:9"}, (1024, 438)),
        ({"size": "640x360"}, (640, 360)),
        ({"aspect_ratio": "9999:1"}, (1024, 16)),
    ],
)
async def test_an_image_has_the_size_that_was_asked_for(
    asked: dict[str, str], size: tuple[int, int]
) -> None:
    made = await make("generate_image", prompt="A red bicycle", **asked)
    with Image.open(file_of(made)) as image:
        assert (image.format, image.size) == ("PNG", size)
        assert image.text["Description"] == "DRAFT: A red bicycle"
    assert made.meta == {"draft": True, "width": size[0], "height": size[1]}


async def test_the_same_request_gives_the_same_bytes_and_another_seed_gives_others() -> None:
    first, again, other = [
        file_of(await make("generate_image", prompt="x", seed=seed)).read_bytes()
        for seed in (1, 1, 2)
    ]
    assert first == again != other


async def test_a_video_has_the_length_and_the_aspect_that_were_asked_for() -> None:
    asked = {"prompt": "She smiles", "duration": 2, "aspect_ratio": "9:16", "sound": True}
    files = [file_of(await make("generate_video", **asked)) for _ in range(2)]
    with av.open(str(files[0])) as video:
        assert video.duration is not None
        assert video.duration / 1_000_000 == pytest.approx(2, abs=0.15)
        (pictures,), (sound,) = video.streams.video, video.streams.audio
        assert (pictures.width, pictures.height, pictures.frames) == (480, 852, 24)
        assert sound.codec_context.name == "aac"
        assert video.metadata["title"] == "DRAFT"
        assert video.metadata["comment"] == "DRAFT: She smiles"
    assert files[0].read_bytes() == files[1].read_bytes()


async def test_the_bar_of_a_video_moves() -> None:
    made = await make("generate_video", prompt="x", duration=1)
    with av.open(str(file_of(made))) as video:
        frames = [frame.to_image() for frame in video.decode(video=0)]
    foot = (frames[0].width - 8, frames[0].height - 3)
    assert frames[0].getpixel(foot) != frames[-1].getpixel(foot)


async def test_a_video_is_silent_unless_sound_was_asked_for() -> None:
    made = await make("generate_video", prompt="x", duration=0.5, resolution="720p")
    with av.open(str(file_of(made))) as video:
        assert not video.streams.audio
        assert video.streams.video[0].height == 720


async def test_audio_lasts_as_long_as_saying_the_text_would() -> None:
    short, long = [
        (await make("generate_audio", prompt=text)).meta["duration_seconds"]
        for text in ("Hello there.", "Hello there, this is a much longer sentence to be said.")
    ]
    assert 0.5 <= short < long < 10


async def test_audio_is_a_wav_of_the_length_that_was_asked_for() -> None:
    made = await make("generate_audio", prompt="Hello there.", duration=3.25)
    with av.open(str(file_of(made))) as audio:
        assert audio.duration == 3_250_000
        assert audio.format.name == "wav"
        assert audio.metadata["comment"] == "DRAFT: Hello there."


async def test_a_transcript_has_words_over_the_real_length_and_no_file() -> None:
    spoken = file_of(await make("generate_audio", prompt="Hello there.", duration=4))
    heard = Reference(spoken, "audio/wav", "hello.wav")
    made = await make("transcribe", heard, audio="hello.wav", language="de")
    assert made.file is None
    transcript = made.transcript
    assert transcript is not None
    assert transcript.text.startswith("[draft transcript of hello.wav]")
    assert transcript.language_code == "de"
    assert [word["text"] for word in transcript.words] == transcript.text.split()
    assert (transcript.words[0]["start"], transcript.words[-1]["end"]) == (0, 4)
    assert made.meta == {"draft": True, "duration_seconds": 4}


async def test_references_are_shown_in_the_picture(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300), (1, 200, 30)).save(tmp_path / "green.png")
    green = Reference(tmp_path / "green.png", "image/png", "green.png")
    made = await make("generate_image", green, prompt="Like @image1", images=["green.png"])
    with Image.open(file_of(made)) as image:
        assert image.getpixel((80, image.height - 80)) == (1, 200, 30)
        assert image.text["Description"] == "DRAFT: Like [image 1]"


async def test_a_reference_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    notes = Reference(tmp_path / "notes.txt", "text/plain", "notes.txt")
    with pytest.raises(MediaFailed, match=r"`notes.txt` can't be used: it is no image"):
        await make("generate_image", notes, prompt="x", images=["notes.txt"])


async def test_a_draft_that_nobody_waits_for_any_more_stops() -> None:
    provider = DraftProvider()
    long = order(adapted("generate_video", prompt="x", duration=120, resolution="1080p"))
    making = asyncio.create_task(provider.make(long))
    await asyncio.sleep(0)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    again = await provider.make(order(adapted("generate_image", prompt="x")))
    assert again.file is not None
