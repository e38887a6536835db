"""Images, videos, audio and transcripts, for a skill that makes or hears them.

A file among the arguments is a drive path, a URL, a data URI, one of the objects that inputs have
(`{drive_path}`, `{url}`, `{data}`, `{base64}`), bytes, or the path of a local file. Each call is
made and paid once: a later attempt at the same job gets the answer that the earlier one got.

Made files lie in the drive, below `jobs/<job id>/media/`. Every answer is a dict:

    model, kind      who made it, and whether it is an image, video, audio or transcript
    drive_path       where it lies; None for a transcript
    request_id       the provider's own id of the call, or None
    billed_micros    its price, also as `billed_usd`
    meta             width, height, duration_seconds … as known; `adapted` tells where the model
                     could not do exactly what was asked; `draft` is true for an offline draft
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from puras import _channel, drive

File = str | bytes | os.PathLike[str] | Mapping[str, Any]


def generate_image(
    prompt: str,
    *,
    model: str | None = None,
    images: Sequence[File] | None = None,
    aspect_ratio: str | None = None,
    size: str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Make an image.

    `prompt` has at most 20,000 characters and may speak of up to ten reference `images` as
    `@image1`, `@image2` …; `aspect_ratio` is width to height (`"9:16"`), `size` in pixels
    (`"1024x1536"`). Without `model` (`family/variant`) the skill's `image_model` is taken, else the
    server's default.

    Raises:
        InvalidRequestError: the model can't do it, or there is no such model here.
        InsufficientCreditsError: the run may not spend what it would cost.
        ServerError: the provider failed; code `media_failed`.
    """
    return _call(
        "generate_image",
        prompt=prompt,
        model=model,
        images=_files(images),
        aspect_ratio=aspect_ratio,
        size=size,
        seed=seed,
    )


def generate_video(
    prompt: str,
    *,
    model: str | None = None,
    images: Sequence[File] | None = None,
    duration: float | None = None,
    aspect_ratio: str | None = None,
    resolution: str | None = None,
    sound: bool | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Make a video.

    `duration` is in seconds, at most 120; a model that knows only some takes the nearest.
    `resolution` is `"480p"`, `"720p"` or `"1080p"`; `sound` asks for a sound track. `prompt`,
    `images`, `aspect_ratio` and what is raised are as in `generate_image`; without `model` the
    skill's `video_model` is taken, else the server's default.
    """
    return _call(
        "generate_video",
        prompt=prompt,
        model=model,
        images=_files(images),
        duration=duration,
        aspect_ratio=aspect_ratio,
        resolution=resolution,
        sound=sound,
        seed=seed,
    )


def generate_audio(
    prompt: str,
    *,
    model: str | None = None,
    voice: str | None = None,
    duration: float | None = None,
    language: str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Make speech of a text, or the sound that the text describes, as the model does.

    `voice` is a name or id of the provider's; `duration` in seconds, at most 600, is for models
    that are told how long; `language` is an ISO 639 code. Without `model` the skill's
    `audio_model` is taken, else the server's default. Raises as `generate_image`.
    """
    return _call(
        "generate_audio",
        prompt=prompt,
        model=model,
        voice=voice,
        duration=duration,
        language=language,
        seed=seed,
    )


def transcribe(
    audio: File, *, model: str | None = None, language: str | None = None
) -> dict[str, Any]:
    """Write down what is said in audio or video.

    `language` is an ISO 639 code; without it the language is recognised. The answer has `text`,
    `words` (`{text, start, end}` each, in seconds; empty where the model gives none) and
    `language_code`, and no file. Raises as `generate_image`.
    """
    return _call("transcribe", audio=_file(audio), model=model, language=language)


def _call(verb: str, **arguments: Any) -> dict[str, Any]:
    given = {name: value for name, value in arguments.items() if value is not None}
    occurrence = _channel.count(f"media.{verb}", given).occurrence
    return dict(
        _channel.call(f"media.{verb}", **given, occurrence=occurrence, span=_channel.current_span())
    )


def _files(files: Sequence[File] | None) -> list[Any] | None:
    return None if files is None else [_file(file) for file in files]


def _file(file: File) -> Any:
    """Return a file as it can be sent: bytes and local files go to the drive first.

    They are named by their content, so that a later attempt's call is the same one.
    """
    if isinstance(file, str | Mapping):
        return file
    data = file if isinstance(file, bytes) else Path(file).read_bytes()
    suffix = "" if isinstance(file, bytes) else Path(file).suffix
    name = f"{hashlib.sha256(data).hexdigest()[:24]}{suffix}"
    return {
        "drive_path": drive.write(f"jobs/{_channel.variable('PURAS_JOB_ID')}/given/{name}", data)
    }
