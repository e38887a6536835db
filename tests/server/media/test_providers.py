"""Providers, through their real wire formats: what is sent, what comes back, what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from puras.server.fetch import Fetcher
from puras.server.media.opening import open_studio
from puras.server.media.providers.calling import Provided
from puras.server.media.providers.elevenlabs import ElevenLabsProvider
from puras.server.media.providers.fal import FalProvider
from puras.server.media.providers.openai import OpenAIProvider
from puras.server.media.providers.port import Made, MediaFailed, Reference
from puras.server.media.studio import Studio
from puras.server.settings import Settings

from ...providers.media_server import (
    KEY,
    Break,
    Fail,
    MediaServer,
    audio_bytes,
    image_bytes,
    media_server,
    video_bytes,
)
from .support import Noted, adapted, order

FLUX = "POST /fal-ai/flux/schnell"
AT_ONCE = {"retry-after": "0"}


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with media_server() as started:
        yield started


def studio(server: MediaServer, tmp_path: Path, **environment: str) -> Studio:
    async def nothing(url: str) -> Path | None:
        return None

    fetcher = Fetcher(allow_private=False, own_prefixes=(), open_own=nothing)
    opened = open_studio(
        Settings(home=tmp_path), {**server.environment, **environment}, fetcher=fetcher
    )
    return Studio(
        opened.catalogue,
        opened.defaults,
        {name: _quick(provider) for name, provider in opened.providers.items()},
    )


def _quick(provider: Any) -> Any:
    """Return a provider that does not wait long between its tries."""
    if isinstance(provider, FalProvider):
        return replace(provider, provided=_hasty(provider.provided), first_look=0.01)
    if isinstance(provider, OpenAIProvider | ElevenLabsProvider):
        return replace(provider, provided=_hasty(provider.provided))
    return provider


def _hasty(provided: Provided) -> Provided:
    return replace(provided, first_wait=0.01)


async def make(
    server: MediaServer,
    tmp_path: Path,
    verb: str,
    slug: str,
    *references: Reference,
    noted: Noted | None = None,
    **arguments: Any,
) -> Made:
    asked = adapted(verb, slug=slug, **arguments)
    provider = studio(server, tmp_path).providers[asked.family.provider]
    return await provider.make(order(asked, references=references, noted=noted))


def picture(tmp_path: Path) -> Reference:
    path = tmp_path / "cup.png"
    path.write_bytes(image_bytes())
    return Reference(path, "image/png", "cup.png")


def recording(tmp_path: Path) -> Reference:
    path = tmp_path / "talk.wav"
    path.write_bytes(audio_bytes())
    return Reference(path, "audio/wav", "talk.wav")


async def test_fal_queues_looks_and_downloads(server: MediaServer, tmp_path: Path) -> None:
    noted = Noted()
    made = await make(
        server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup", seed=7, noted=noted
    )
    assert made.file is not None
    assert made.file.read_bytes() == image_bytes()
    assert (made.request_id, made.meta) == ("request-1", {"width": 64, "height": 64})
    (submit,) = server.of(FLUX)
    assert submit.json == {
        "prompt": "A cup",
        "image_size": {"width": 992, "height": 992},
        "seed": 7,
        "num_images": 1,
    }
    assert [asked.line for asked in server.asked[1:]] == [
        "GET /fal-ai/flux/requests/request-1/status",
        "GET /fal-ai/flux/requests/request-1",
        "GET /files/a.png",
    ]
    (note,) = noted.notes
    assert note["request_id"] == "request-1"


async def test_fal_takes_up_a_request_that_is_noted(server: MediaServer, tmp_path: Path) -> None:
    noted = Noted(server.queue("fal-ai/veo3/fast"))
    made = await make(
        server, tmp_path, "generate_video", "google/veo-3-fast", prompt="She smiles", noted=noted
    )
    assert made.file is not None
    assert made.file.read_bytes() == video_bytes()
    assert server.submitted() == 1
    assert not server.of("POST")


async def test_fal_is_sent_references_inline_under_the_models_own_name(
    server: MediaServer, tmp_path: Path
) -> None:
    made = await make(
        server,
        tmp_path,
        "generate_video",
        "kling/v2.6-pro",
        picture(tmp_path),
        prompt="@image1 turns",
        images=["cup.png"],
        duration=7,
        sound=False,
    )
    assert made.meta["duration_seconds"] == pytest.approx(1, abs=0.1)
    (submit,) = server.of("POST /fal-ai/kling-video/v2.6/pro/image-to-video")
    assert submit.json["start_image_url"].startswith("data:image/png;base64,")
    assert submit.json["prompt"] == "image 1 turns"
    assert (submit.json["duration"], submit.json["generate_audio"]) == ("5", False)


async def test_fal_speaks(server: MediaServer, tmp_path: Path) -> None:
    made = await make(server, tmp_path, "generate_audio", "kokoro/english", prompt="Hello")
    assert made.meta == {"duration_seconds": 1.5}
    (submit,) = server.of("POST /fal-ai/kokoro")
    assert submit.json == {"prompt": "Hello", "voice": "af_heart"}


async def test_fal_is_asked_again_when_it_is_busy(server: MediaServer, tmp_path: Path) -> None:
    server.fail(FLUX, Fail(429, AT_ONCE), Fail(503))
    server.fail("GET /fal-ai/flux/requests", Fail(500), Break())
    made = await make(server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup")
    assert made.request_id == "request-1"
    assert server.submitted() == 1


async def test_a_submit_whose_answer_was_lost_is_not_sent_again(
    server: MediaServer, tmp_path: Path
) -> None:
    server.fail(FLUX, Break())
    with pytest.raises(MediaFailed, match=r"broke off .* may have made it all the same"):
        await make(server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup")
    assert len(server.of(FLUX)) == 1


async def test_a_refusal_of_fal_is_told_in_its_words(server: MediaServer, tmp_path: Path) -> None:
    fault = {"loc": ["body", "prompt"], "msg": "Unsafe content", "type": "content_policy_violation"}
    server.fail("GET /fal-ai/flux/requests/request-1", Fail(422, {}, {"detail": [fault]}))
    with pytest.raises(MediaFailed, match=r"fal answered 422 \(Unsafe content\): change the requ"):
        await make(server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup")


async def test_a_request_that_fal_gave_up_is_told(server: MediaServer, tmp_path: Path) -> None:
    server.error = f"Runner died with {KEY}"
    with pytest.raises(MediaFailed, match="fal could not make it: Runner died with ••••"):
        await make(server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup")


async def test_the_key_is_not_sent_to_a_place_that_is_not_fals(
    server: MediaServer, tmp_path: Path
) -> None:
    server.elsewhere = "http://127.0.0.2:1"
    with pytest.raises(MediaFailed, match="a place that is not its own"):
        await make(server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup")


async def test_a_key_is_in_no_error(server: MediaServer, tmp_path: Path) -> None:
    server.fail(FLUX, Fail(401, {}, {"detail": f"no user has {KEY}"}))
    with pytest.raises(MediaFailed, match="the operator's key is not accepted") as failure:
        await make(server, tmp_path, "generate_image", "bfl/flux-schnell", prompt="A cup")
    assert KEY not in str(failure.value)
    provided = studio(server, tmp_path).providers["fal"]
    assert KEY not in repr(provided)


async def test_openai_makes_an_image_of_the_nearest_size(
    server: MediaServer, tmp_path: Path
) -> None:
    made = await make(
        server,
        tmp_path,
        "generate_image",
        "openai/gpt-image-1",
        prompt="A cup",
        aspect_ratio="9:16",
    )
    assert made.file is not None
    assert made.file.read_bytes() == image_bytes()
    assert made.request_id == "req_1"
    (asked,) = server.of("POST /v1/images/generations")
    assert asked.json == {
        "model": "gpt-image-1",
        "prompt": "A cup",
        "size": "1024x1536",
        "quality": "medium",
        "n": 1,
    }
    assert asked.headers["idempotency-key"] == "puras-key"


async def test_openai_is_sent_references_as_a_form(server: MediaServer, tmp_path: Path) -> None:
    cup = picture(tmp_path)
    await make(
        server,
        tmp_path,
        "generate_image",
        "openai/gpt-image-1",
        cup,
        cup,
        prompt="x",
        images=["a", "b"],
    )
    (asked,) = server.of("POST /v1/images/edits")
    assert asked.form["image[]"] == [("cup.png", image_bytes())] * 2
    assert (asked.form["model"], asked.form["prompt"]) == (["gpt-image-1"], ["x"])


async def test_openai_speaks_and_listens(server: MediaServer, tmp_path: Path) -> None:
    spoken = await make(server, tmp_path, "generate_audio", "openai/tts-1", prompt="Hello")
    assert spoken.file is not None
    assert spoken.file.suffix == ".wav"
    (asked,) = server.of("POST /v1/audio/speech")
    assert (asked.json["input"], asked.json["voice"]) == ("Hello", "alloy")
    heard = await make(
        server, tmp_path, "transcribe", "openai/whisper-1", recording(tmp_path), audio="talk.wav"
    )
    assert heard.transcript is not None
    assert heard.transcript.words == [{"text": "Hello", "start": 0.0, "end": 0.4}]
    assert heard.transcript.language_code == "en"
    (asked,) = server.of("POST /v1/audio/transcriptions")
    assert asked.form["timestamp_granularities[]"] == ["word"]
    assert asked.form["file"] == [("talk.wav", audio_bytes())]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fail(400, {}, {"error": {"message": "Your request was rejected", "type": "x"}}), "reject"),
        (Fail(402, {}, b"<html>"), "no credit"),
        (Fail(200, {}, b"not json"), "no JSON object"),
        (Fail(200, {}, {"data": []}), "has no image"),
        (Fail(200, {}, {"data": [{"b64_json": "***"}]}), "base64 that is none"),
        (Fail(200, {}, {"data": [{"b64_json": "AAAA"}]}), "no image"),
    ],
)
async def test_what_openai_can_answer_wrongly_is_told(
    server: MediaServer, tmp_path: Path, fault: Fail, told: str
) -> None:
    server.fail("POST /v1/images/generations", fault)
    with pytest.raises(MediaFailed, match=told):
        await make(server, tmp_path, "generate_image", "openai/gpt-image-1", prompt="A cup")


async def test_a_provider_that_stays_away_is_told_after_four_tries(
    server: MediaServer, tmp_path: Path
) -> None:
    server.fail("POST /v1/audio/speech", *[Break()] * 9)
    with pytest.raises(MediaFailed, match=r"OpenAI can't be reached \(.*\): try again later"):
        await make(server, tmp_path, "generate_audio", "openai/tts-1", prompt="Hello")
    assert len(server.of("POST /v1/audio/speech")) == 4


async def test_elevenlabs_speaks_and_listens(server: MediaServer, tmp_path: Path) -> None:
    spoken = await make(
        server, tmp_path, "generate_audio", "elevenlabs/flash-v2.5", prompt="Hallo", language="de"
    )
    assert spoken.request_id == "speech-1"
    (asked,) = server.of("POST /v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb?output_format=mp3_44100_128")
    assert asked.json == {"text": "Hallo", "model_id": "eleven_flash_v2_5", "language_code": "de"}
    heard = await make(
        server,
        tmp_path,
        "transcribe",
        "elevenlabs/scribe-v2",
        recording(tmp_path),
        audio="talk.wav",
    )
    assert heard.request_id == "scribe-1"
    assert heard.transcript is not None
    assert [word["text"] for word in heard.transcript.words] == ["Hello", "there"]
    assert heard.transcript.language_code == "eng"
    (asked,) = server.of("POST /v1/speech-to-text")
    assert asked.form["model_id"] == ["scribe_v2"]


async def test_a_voice_can_lead_to_no_other_path(server: MediaServer, tmp_path: Path) -> None:
    await make(
        server,
        tmp_path,
        "generate_audio",
        "elevenlabs/flash-v2.5",
        prompt="x",
        voice="../../v1/user?a",
    )
    (asked,) = server.of("POST")
    assert asked.line.startswith("POST /v1/text-to-speech/..%2F..%2Fv1%2Fuser%3Fa?")


def test_the_default_is_the_first_model_whose_key_is_there(
    server: MediaServer, tmp_path: Path
) -> None:
    assert studio(server, tmp_path).default("image") == "google/nano-banana"
    assert studio(server, tmp_path, FAL_KEY="").default("image") == "openai/gpt-image-2"
    no_keys = studio(server, tmp_path, FAL_KEY="", OPENAI_API_KEY="", ELEVENLABS_API_KEY="")
    assert [no_keys.default(kind) for kind in no_keys.catalogue] == ["local/draft"] * 4
