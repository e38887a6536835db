"""What may be asked for: the arguments of the four verbs, read and checked. Pure.

Each verb has a schema in the dialect of skills. It checks the arguments, and agents see it as the
schema of a tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

from puras.bundle.schema import compile_schema
from puras.server.refusals import Refused

MediaKind: TypeAlias = Literal["image", "video", "audio", "transcript"]
Verb: TypeAlias = Literal["generate_image", "generate_video", "generate_audio", "transcribe"]
FileValue: TypeAlias = str | Mapping[str, Any]

MAX_PROMPT_CHARACTERS = 20_000
MAX_REFERENCES = 10
MAX_VIDEO_SECONDS = 120
MAX_AUDIO_SECONDS = 600
RESOLUTIONS: Final = ("480p", "720p", "1080p")

KINDS: Final[Mapping[str, MediaKind]] = {
    "generate_image": "image",
    "generate_video": "video",
    "generate_audio": "audio",
    "transcribe": "transcript",
}

_MODEL = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "description": "The model's slug, `family/variant`; without one the default is taken.",
}
_PROMPT = {"type": "text", "minLength": 1, "maxLength": MAX_PROMPT_CHARACTERS}
_ASPECT = {
    "type": "string",
    "pattern": "^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$",
    "description": "Width to height, such as `9:16`.",
    "examples": ["9:16", "16:9", "1:1"],
}
_SEED = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
_IMAGES = {
    "type": "array",
    "items": {"type": "image"},
    "maxItems": MAX_REFERENCES,
    "description": "References: drive paths or URLs. The prompt calls them `@image1`, `@image2` …",
}


def _schema(required: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [required],
        "additionalProperties": False,
    }


SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "generate_image": _schema(
        "prompt",
        {
            "prompt": {**_PROMPT, "description": "What the image shows."},
            "model": _MODEL,
            "images": _IMAGES,
            "aspect_ratio": _ASPECT,
            "size": {
                "type": "string",
                "pattern": "^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$",
                "description": "Width and height in pixels, such as `1080x1920`.",
                "examples": ["1080x1920"],
            },
            "seed": _SEED,
        },
    ),
    "generate_video": _schema(
        "prompt",
        {
            "prompt": {**_PROMPT, "description": "What happens in the video."},
            "model": _MODEL,
            "images": _IMAGES,
            "duration": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": MAX_VIDEO_SECONDS,
                "description": "Seconds.",
            },
            "aspect_ratio": _ASPECT,
            "resolution": {"type": "string", "enum": list(RESOLUTIONS)},
            "sound": {"type": "boolean", "description": "Whether the video has sound."},
            "seed": _SEED,
        },
    ),
    "generate_audio": _schema(
        "prompt",
        {
            "prompt": {**_PROMPT, "description": "The text to be spoken, or the sound to be made."},
            "model": _MODEL,
            "voice": {"type": "string", "minLength": 1, "maxLength": 200},
            "duration": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": MAX_AUDIO_SECONDS,
                "description": "Seconds, for models that are told how long.",
            },
            "language": {"type": "string", "pattern": "^[a-zA-Z]{2,3}$", "examples": ["en"]},
            "seed": _SEED,
        },
    ),
    "transcribe": _schema(
        "audio",
        {
            "audio": {
                "type": ["audio", "video", "file"],
                "description": "What is listened to: a drive path or a URL, audio or video.",
            },
            "model": _MODEL,
            "language": {
                "type": "string",
                "pattern": "^[a-zA-Z]{2,3}$",
                "examples": ["en"],
                "description": "ISO 639 code of the language; without one it is recognised.",
            },
        },
    ),
}
"""Verb → the schema of its arguments. An argument that is null counts as not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequest:
    """What is asked for. None: the model's own default.

    files       references, or the one file to be transcribed, as they were given
    aspect      width to height
    size        width and height in pixels
    duration    seconds
    resolution  the shorter edge, one of RESOLUTIONS
    sound       whether a video has sound
    language    ISO 639 code
    """

    kind: MediaKind
    prompt: str = ""
    model: str | None = None
    files: tuple[FileValue, ...] = ()
    aspect: Fraction | None = None
    size: tuple[int, int] | None = None
    duration: float | None = None
    resolution: str | None = None
    sound: bool | None = None
    seed: int | None = None
    voice: str | None = None
    language: str | None = None


def read_request(verb: str, arguments: Mapping[str, Any]) -> MediaRequest:
    """Read the arguments of a verb.

    Raises:
        Refused: `invalid_request`, naming every fault.
    """
    given = without_nulls(arguments)
    faults = compile_schema(SCHEMAS[verb]).violations(given)
    if faults:
        told = "; ".join(
            f"{fault['path'].removeprefix('$.')} {fault['message']}" for fault in faults
        )
        raise Refused("invalid_request", f"`{verb}` can't be called like this: {told}")
    size = _size(given.get("size"))
    aspect = given.get("aspect_ratio")
    return MediaRequest(
        kind=KINDS[verb],
        prompt=given.get("prompt", ""),
        model=given.get("model"),
        files=(given["audio"],) if verb == "transcribe" else tuple(given.get("images", ())),
        aspect=ratio(aspect) if aspect else (Fraction(*size) if size else None),
        size=size,
        duration=given.get("duration"),
        resolution=given.get("resolution"),
        sound=given.get("sound"),
        seed=given.get("seed"),
        voice=given.get("voice"),
        language=given.get("language"),
    )


def without_nulls(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are given."""
    return {name: value for name, value in arguments.items() if value is not None}


def ratio(text: str) -> Fraction:
    """Read an aspect ratio, such as `9:16`."""
    width, _, height = text.partition(":")
    return Fraction(int(width), int(height))


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.partition("x")
    return int(width), int(height)
