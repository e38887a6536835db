"""How a request is fitted to a model, and what it costs there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from puras.server.media.adapt import adapt
from puras.server.media.families import BadCatalogue, Catalogue, packaged, with_own
from puras.server.media.prices import cost_micros
from puras.server.media.verbs import KINDS, SCHEMAS, read_request
from puras.server.refusals import Refused

from .support import adapted

OWN = """
video:
  own/dance:
    provider: fal
    model: bytedance/seedance-2.0/text-to-video
    price: {per: second, usd_by: {resolution: {480p: 0.1, 720p: 0.2}}}
    takes:
      prompt: {most: 40}
      images:
        as: image_urls
        most: 2
        model: bytedance/seedance-2.0/reference-to-video
        tag: "@Image{n}"
      duration: {between: [4, 15], whole: true, default: 5}
      resolution: {default: 720p, values: {480p: 480p, 720p: 720p}}
      sound: {as: generate_audio}
  kling/v2.6-pro:
    provider: fal
    model: mine
    takes: {prompt: {}}
"""


@pytest.fixture
def own(tmp_path: Path) -> Catalogue:
    file = tmp_path / "media.yaml"
    file.write_text(OWN)
    return with_own(packaged(), file)


def fitted(own: Catalogue, **arguments: Any) -> Any:
    request = read_request("generate_video", {"prompt": "x", **arguments})
    return adapt(own["video"]["own/dance"], request)


@pytest.mark.parametrize(
    ("asked", "used"), [(1, 4), (4, 4), (5, 6), (6.9, 6), (7, 8), (8, 8), (60, 8), (None, 8)]
)
def test_a_duration_is_brought_to_the_nearest_that_the_model_knows(
    asked: float | None, used: float
) -> None:
    result = adapted("generate_video", slug="google/veo-3-fast", prompt="x", duration=asked)
    assert (result.body["duration"], result.used["duration"]) == (f"{used}s", used)
    changed = {} if asked in (used, None) else {"duration": {"asked": asked, "used": used}}
    assert result.changes == changed


@pytest.mark.parametrize(
    ("asked", "sent"), [("9:16", "9:16"), ("10:16", "2:3"), ("1:2", "9:16"), ("100:1", "21:9")]
)
def test_an_aspect_ratio_is_brought_to_the_nearest_that_the_model_knows(
    asked: str, sent: str
) -> None:
    result = adapted("generate_image", slug="google/nano-banana", prompt="x", aspect_ratio=asked)
    assert result.body["aspect_ratio"] == sent
    told = {"asked": str(asked).replace("10:16", "5:8"), "used": sent}
    assert result.changes == ({} if asked == sent else {"aspect_ratio": told})


def test_a_size_is_an_aspect_ratio_for_a_model_that_takes_no_size() -> None:
    result = adapted("generate_image", slug="google/nano-banana", prompt="x", size="720x1280")
    assert result.body["aspect_ratio"] == "9:16"
    assert result.changes == {"size": {"asked": "720x1280", "used": "9:16"}}


def test_an_aspect_ratio_is_a_size_for_a_model_that_takes_only_sizes() -> None:
    result = adapted("generate_image", slug="openai/gpt-image-1", prompt="x", aspect_ratio="9:16")
    assert result.body["size"] == "1024x1536"
    assert result.changes == {"aspect_ratio": {"asked": "9:16", "used": "2:3"}}
    exact = adapted("generate_image", slug="openai/gpt-image-1", prompt="x", aspect_ratio="2:3")
    assert exact.changes == {}


def test_what_a_model_does_not_take_is_left_out_and_told() -> None:
    result = adapted("generate_audio", slug="openai/tts-1", prompt="x", duration=3, seed=1)
    assert result.body.keys() == {"input", "voice", "response_format"}
    assert result.changes == {
        "duration": {"asked": 3, "used": None},
        "seed": {"asked": 1, "used": None},
    }


def test_references_are_called_as_the_models_prompts_call_them(own: Catalogue) -> None:
    two = {"prompt": "@image2 and @IMAGE1 and a@image1x", "images": ["a.png", "b.png"]}
    result = fitted(own, **two)
    assert result.body["prompt"] == "@Image2 and @Image1 and a@image1x"
    assert result.model == "bytedance/seedance-2.0/reference-to-video"
    assert fitted(own).model == "bytedance/seedance-2.0/text-to-video"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"images": ["a", "b", "c"]}, "takes at most 2 reference images, and there are 3"),
        ({"prompt": "@image1"}, "speaks of @image1, and 0 images"),
        ({"prompt": "x" * 41}, "takes at most 40 characters, and there are 41"),
    ],
)
def test_what_a_model_can_not_do_is_refused(
    own: Catalogue, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        fitted(own, **arguments)


def test_a_model_without_references_refuses_them() -> None:
    with pytest.raises(Refused, match="takes no reference images"):
        adapted("generate_image", slug="bfl/flux-schnell", prompt="x", images=["a.png"])


@pytest.mark.parametrize(
    ("arguments", "micros"),
    [
        ({"duration": 5}, 1_000_000),
        ({"duration": 4.2, "resolution": "480p"}, 500_000),
        ({"duration": 100, "resolution": "1080p"}, 3_000_000),
    ],
)
def test_a_video_costs_its_real_seconds(
    own: Catalogue, arguments: dict[str, Any], micros: int
) -> None:
    assert cost_micros(fitted(own, **arguments)) == micros


@pytest.mark.parametrize(
    ("verb", "slug", "arguments", "micros"),
    [
        ("generate_image", "bfl/flux-schnell", {"prompt": "x"}, 3_000),
        ("generate_image", "openai/gpt-image-1", {"prompt": "x" * 100}, 42_125),
        ("generate_image", "openai/gpt-image-1", {"prompt": "x", "images": ["a", "b"]}, 62_002),
        ("generate_video", "google/veo-3-fast", {"prompt": "x"}, 1_200_000),
        ("generate_video", "google/veo-3-fast", {"prompt": "x", "sound": False}, 800_000),
        ("generate_audio", "elevenlabs/flash-v2.5", {"prompt": "x" * 1234}, 61_700),
        ("transcribe", "openai/whisper-1", {"audio": "a"}, 9_000),
        ("generate_image", "local/draft", {"prompt": "x"}, 0),
    ],
)
def test_prices_are_known_before_the_call(
    verb: str, slug: str, arguments: dict[str, Any], micros: int
) -> None:
    heard = 90.0 if verb == "transcribe" else None
    assert cost_micros(adapted(verb, slug=slug, **arguments), heard_seconds=heard) == micros


def test_a_price_that_is_not_there_is_an_error(own: Catalogue) -> None:
    request = read_request("generate_video", {"prompt": "x"})
    with pytest.raises(Refused, match=r"`kling/v2.6-pro` has no price"):
        cost_micros(adapt(own["video"]["kling/v2.6-pro"], request))


def test_an_own_file_adds_models_and_takes_the_place_of_ours(own: Catalogue) -> None:
    assert own["video"]["kling/v2.6-pro"].model == "mine"
    assert {"own/dance", "google/veo-3-fast", "local/draft"} <= own["video"].keys()
    assert own["image"] == packaged()["image"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pictures: {}", "has models below image, video, audio, transcript"),
        ("image: [", "is no YAML"),
        ("image: {a/b: {provider: fal}}", "`a/b` below image makes no sense"),
        ("image: {a/b: {provider: fal, model: m, price: {per: mile, usd: 1}}}", "per one of"),
        ("image: {a/b: {provider: fal, model: m, price: {per: image, usd: -1}}}", "no price"),
        ("image: {a/b: {provider: fal, model: m, price: {per: image}}}", "a price has"),
        ("image: {a/b: {provider: fal, model: m, takes: {colour: {}}}}", "takes nothing but"),
    ],
)
def test_an_own_file_that_makes_no_sense_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "media.yaml"
    file.write_text(text)
    with pytest.raises(BadCatalogue, match=told):
        with_own(packaged(), file)


def test_every_packaged_model_has_a_price_and_takes_the_least_request() -> None:
    least = {"transcribe": {"audio": "a"}}
    for verb, kind in KINDS.items():
        for slug in packaged()[kind]:
            asked = adapted(verb, slug=slug, **least.get(verb, {"prompt": "x"}))
            assert cost_micros(asked, heard_seconds=1.0) >= 0, slug
            assert (cost_micros(asked, heard_seconds=1.0) == 0) == (slug == "local/draft")


@pytest.mark.parametrize("verb", SCHEMAS)
def test_a_verb_takes_nothing_but_what_it_names(verb: str) -> None:
    with pytest.raises(Refused, match="`colour`"):
        read_request(verb, {"prompt": "x", "audio": "a", "colour": "red"})
