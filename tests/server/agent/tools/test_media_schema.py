"""What an agent sees of the media tools."""

from __future__ import annotations

import pytest

from puras.server.agent.models.example import example
from puras.server.agent.models.seen_files import SeenFiles
from puras.server.agent.tools.media import media_schema
from puras.server.media.families import DRAFT
from puras.server.media.verbs import SCHEMAS, read_request


@pytest.mark.parametrize("verb", SCHEMAS)
def test_what_a_draft_asks_a_media_tool_for_can_be_made_by_the_default_model(verb: str) -> None:
    seen = SeenFiles("", [])
    asked = example(media_schema(verb, model=DRAFT), take_file=seen.take)
    request = read_request(verb, asked)
    assert request.model == DRAFT
    if verb in ("generate_image", "generate_video"):
        assert request.aspect is not None
        assert float(request.aspect) == 9 / 16
        assert request.files[0] == seen.take("image")
    if verb == "transcribe":
        assert str(request.files[0]).startswith("data:audio/")


@pytest.mark.parametrize("verb", SCHEMAS)
def test_an_agent_is_told_that_a_file_is_a_path_or_a_url(verb: str) -> None:
    properties = media_schema(verb, model=DRAFT)["properties"]
    files = properties.get("audio") or properties.get("images", {}).get("items")
    if files is not None:
        assert files["type"] == "string"
        assert "drive path or URL" in files["description"]
