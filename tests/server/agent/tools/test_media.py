"""An agent that makes media: what it gets back, what is told of it, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from puras.server.agent.models.port import ModelAnswer, ModelRequest

from ....providers.media_server import Fail, MediaServer, media_server
from ...jobs.bench import open_bench
from ..scripted import ScriptedModels, agent, calls, output

MODEL_MICROS = 500
FILM = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "film": {"type": "video"}},
}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaServer]:
    with media_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def gives_the_film(request: ModelRequest) -> ModelAnswer:
    """Take the path that the last tool answered as the output."""
    last = request.messages[-1]
    assert last["role"] == "tools"
    told = json.loads(last["results"][0]["text"])
    return calls(("set_output", {"answer": "done", "film": told["drive_path"]}), step=9)


async def test_an_agent_makes_a_film_of_an_image_that_it_made_and_was_shown(
    provider: MediaServer, tmp_path: Path
) -> None:
    def films(request: ModelRequest) -> ModelAnswer:
        last = request.messages[-1]
        assert last["role"] == "tools"
        (shown,) = last["results"][0]["files"]
        assert (shown["mime"], shown["drive_path"] in request.files) == ("image/png", True)
        asked = {"prompt": "@image1 turns", "images": [shown["drive_path"]], "duration": 4}
        return calls(("generate_video", asked), step=1)

    draws = calls(("generate_image", {"prompt": "A cup"}), step=0)
    models = ScriptedModels([draws, films, gives_the_film])
    async with open_bench(tmp_path / "home", models=models.open) as bench:
        await bench.deploy(agent("boss", output_schema=FILM, image_model="bfl/flux-schnell"))
        job = await bench.run("boss")
        events = await bench.events(job["id"])
    assert job["status"] == "succeeded", job
    assert [file["mime"] for file in job["outputs"]] == ["video/mp4"]
    (film,) = provider.of("POST /fal-ai/veo3/fast/image-to-video")
    assert film.json["image_url"].startswith("data:image/png;base64,")
    assert film.json["duration"] == "4s"
    results = [e["payload"] for e in events if e["type"] == "tool_result"]
    assert [one.get("cost_micros") for one in results[:2]] == [3_000, 600_000]
    assert len([e for e in events if e["type"] == "tool_call"]) == 2
    assert job["cost_micros"] == 603_000 + 3 * MODEL_MICROS


async def test_an_agent_is_told_why_nothing_was_made(provider: MediaServer, tmp_path: Path) -> None:
    heard: list[str] = []

    def hears(request: ModelRequest) -> ModelAnswer:
        last = request.messages[-1]
        assert last["role"] == "tools"
        heard.extend(result["text"] for result in last["results"])
        return output()

    provider.fail("POST /fal-ai/flux", Fail(422, {}, {"detail": [{"msg": "Not this"}]}))
    asked = [
        ("generate_image", {"prompt": "x", "model": "bfl/flux-schnell"}),
        ("generate_image", {"prompt": "x", "model": "bfl/flux-snell"}),
        ("generate_image", {"prompt": "@image1"}),
    ]
    models = ScriptedModels([calls(*asked), hears])
    async with open_bench(tmp_path / "home", models=models.open) as bench:
        await bench.deploy(agent("boss"))
        job = await bench.run("boss")
    assert job["status"] == "succeeded", job
    assert "fal answered 422 (Not this): change the request" in heard[0]
    assert "there is no model `bfl/flux-snell`" in heard[1]
    assert "speaks of @image1, and 0 images came" in heard[2]
    assert job["cost_micros"] == 2 * MODEL_MICROS
