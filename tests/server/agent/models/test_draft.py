from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from puras.bundle.dialect import plain
from puras.server.agent.messages import Message
from puras.server.agent.models.draft import draft
from puras.server.agent.models.port import ModelAnswer, ModelRequest, ToolSpec

_OUTPUT = {"type": "object", "properties": {"clip": {"type": "video"}, "words": {"type": "text"}}}
_SHOOT = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
_TOOLS = [
    ToolSpec("bash", "Run a command", {"type": "object"}),
    ToolSpec("shoot", "Make a clip", _SHOOT),
    ToolSpec("set_output", "Finish", plain(_OUTPUT)),
]


def _request(*messages: Message, exercise: frozenset[str] | None = None) -> ModelRequest:
    asked: Message = {"role": "user", "text": "Go.", "files": []}
    return ModelRequest(
        model="local/draft",
        system="Make a clip.",
        messages=[asked, *messages],
        tools=_TOOLS,
        exercise=exercise,
    )


def _turn(answer: ModelAnswer, result: Any) -> list[Message]:
    call = answer.tool_calls[0]
    return [
        {
            "role": "model",
            "model": "local/draft",
            "text": answer.text,
            "tool_calls": answer.tool_calls,
            "raw": answer.raw,
        },
        {
            "role": "tools",
            "results": [
                {
                    "tool_call_id": call["id"],
                    "name": call["name"],
                    "ok": True,
                    "text": json.dumps(result),
                    "files": [],
                }
            ],
        },
    ]


def test_each_tool_is_tried_once_and_the_output_is_set_at_last() -> None:
    messages: list[Message] = []
    names = []
    for _ in range(3):
        answer = draft(_request(*messages))
        names.append(answer.tool_calls[0]["name"])
        messages += _turn(answer, {"done": True})
    assert names == ["bash", "shoot", "set_output"]
    assert draft(_request(*messages)).tool_calls == []


def test_only_the_tools_to_be_exercised_are_tried() -> None:
    first = draft(_request(exercise=frozenset({"shoot"})))
    assert first.tool_calls[0]["name"] == "shoot"
    second = draft(_request(*_turn(first, {}), exercise=frozenset({"shoot"})))
    assert second.tool_calls[0]["name"] == "set_output"


def test_a_file_that_a_tool_made_becomes_the_output() -> None:
    first = draft(_request(exercise=frozenset({"shoot"})))
    made = _turn(first, {"drive_path": "jobs/1/clip.mp4", "kind": "video"})
    output = draft(_request(*made, exercise=frozenset())).tool_calls[0]["input"]
    assert output == {"clip": "jobs/1/clip.mp4", "words": "Draft: words"}


def test_without_any_file_a_small_real_one_takes_its_place() -> None:
    output = draft(_request(exercise=frozenset())).tool_calls[0]["input"]
    head, _, content = output["clip"].partition(",")
    assert head == "data:video/mp4;base64"
    assert b"ftyp" in base64.b64decode(content)[:16]


def test_every_answer_is_labelled_free_counted_and_the_same_again() -> None:
    answer = draft(_request())
    assert answer == draft(_request())
    assert answer.text.startswith("[draft]")
    assert answer.cost_micros == 0
    assert answer.input_tokens > 0
    assert answer.output_tokens > 0


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("image", '{"photo": "uploads/k/shoe.png"}'),
        ("image", "Look at https://shop.example/shoe.jpg?v=2."),
        ("audio", '{"drive_path": "jobs/1/voice.wav"}'),
    ],
)
def test_files_of_the_inputs_are_found_in_the_text_of_the_user(kind: str, place: str) -> None:
    schema = {"type": "object", "properties": {"made_of": {"type": kind}}}
    request = ModelRequest(
        model="local/draft",
        system="",
        messages=[{"role": "user", "text": place, "files": []}],
        tools=[ToolSpec("set_output", "", schema)],
    )
    found = draft(request).tool_calls[0]["input"]["made_of"]
    assert found in place
    assert not found.endswith(".")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('{"product": "https://shop.example/lamp"}', "https://shop.example/lamp"),
        ("Go.", "https://draft.example/"),
    ],
)
def test_a_page_is_read_from_the_inputs_and_from_no_network_where_they_have_none(
    text: str, url: str
) -> None:
    properties = {"url": {"type": "string", "minLength": 1}}
    fetch = ToolSpec("web_fetch", "Read", {"type": "object", "properties": properties})
    asked: Message = {"role": "user", "text": text, "files": []}
    request = ModelRequest(model="local/draft", system="", messages=[asked], tools=[fetch])
    assert draft(request).tool_calls[0]["input"] == {"url": url}
