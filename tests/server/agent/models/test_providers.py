"""Each family of providers in its own wire format, asked by the real libraries."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.providers.model_server import KEY, Break, Fail, Garbage, ModelServer
from tests.providers.wire.say import Say

from puras.bundle.dialect import plain
from puras.server.agent.messages import FilePart, Message
from puras.server.agent.models import operator
from puras.server.agent.models.operator import OperatorModels
from puras.server.agent.models.port import ModelAnswer, ModelFailed, ModelRequest, ToolSpec

_ADD = ToolSpec(
    "add",
    "Add two numbers",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
)
_PNG = (Path(operator.__file__).with_name("placeholders") / "draft.png").read_bytes()
_PDF = b"%PDF-1.4\n%%EOF\n"

PATHS = {
    "anthropic/claude-haiku-4.5": "/v1/messages",
    "openai/gpt-6.1-sol": "/v1/responses",
    "google/gemini-3.8-flash": "/v1beta/models/gemini-3.8-flash:generateContent",
    "openrouter/anthropic/claude-sonnet-4.5": "/api/v1/chat/completions",
    "local/llama": "/v1/chat/completions",
}
each_provider = pytest.mark.parametrize("slug", PATHS)


def _request(slug: str, *more: Message, **changes: Any) -> ModelRequest:
    asked: Message = {"role": "user", "text": "What is 1 + 2?", "files": []}
    values: dict[str, Any] = {"tools": [_ADD], "system": "You add numbers.", **changes}
    return ModelRequest(model=slug, messages=[asked, *more], **values)


def _turn(slug: str, answer: ModelAnswer, *texts: str, ok: bool = True) -> list[Message]:
    return [
        {
            "role": "model",
            "model": slug,
            "text": answer.text,
            "tool_calls": answer.tool_calls,
            "raw": json.loads(json.dumps(answer.raw)),
        },
        {
            "role": "tools",
            "results": [
                {
                    "tool_call_id": call["id"],
                    "name": call["name"],
                    "ok": ok,
                    "text": text,
                    "files": [],
                }
                for call, text in zip(answer.tool_calls, texts, strict=True)
            ],
        },
    ]


@each_provider
async def test_a_text_comes_back_with_its_tokens_and_its_cost(
    models: OperatorModels, provider: ModelServer, slug: str
) -> None:
    provider.script(Say("Three.", input_tokens=1_000, output_tokens=10, cached_tokens=400))
    request = _request(slug)
    answer = await models.answer(request)
    assert provider.requests[0].path.split("?")[0] == PATHS[slug]
    assert (answer.text, answer.tool_calls, answer.stop_reason) == ("Three.", [], "stop")
    assert (answer.input_tokens, answer.output_tokens, answer.cached_tokens) == (1_000, 10, 400)
    assert 0 <= answer.cost_micros <= models.bound(request)
    assert (answer.cost_micros == 0) == (slug == "local/llama")


@each_provider
async def test_parallel_calls_come_back_with_ids_and_their_results_are_sent_under_them(
    models: OperatorModels, provider: ModelServer, slug: str
) -> None:
    provider.script(Say("Adding.", calls=[("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})]))
    first = await models.answer(_request(slug))
    assert first.stop_reason == "tool_call"
    assert [call["input"] for call in first.tool_calls] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert len({call["id"] for call in first.tool_calls}) == 2
    provider.script(Say("Three and seven."))
    second = await models.answer(_request(slug, *_turn(slug, first, "three", "seven")))
    sent = json.dumps(provider.requests[1].body)
    assert second.text == "Three and seven."
    for call in first.tool_calls:
        assert sent.count(call["id"]) == 2, "once where it was called, once with its result"


@each_provider
async def test_schemas_are_sent_as_they_are_but_for_our_own_notes(
    models: OperatorModels, provider: ModelServer, slug: str
) -> None:
    provider.script(Say("Yes."))
    schema = plain({"type": "object", "properties": {"c": {"type": "color"}}, "required": ["c"]})
    await models.answer(_request(slug, tools=[ToolSpec("paint", "Paint", schema)]))
    sent = json.dumps(provider.requests[0].body)
    assert "^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$" in sent
    assert "x-puras-type" not in sent


@each_provider
async def test_images_and_pdf_files_are_shown_to_models_that_can_see_them(
    models: OperatorModels, provider: ModelServer, slug: str
) -> None:
    files: list[FilePart] = [
        {"drive_path": "uploads/a.png", "mime": "image/png"},
        {"drive_path": "uploads/b.pdf", "mime": "application/pdf"},
        {"drive_path": "uploads/c.wav", "mime": "audio/wav"},
    ]
    provider.script(Say("I see."))
    request = _request(
        slug,
        {"role": "user", "text": "Look.", "files": files},
        files={"uploads/a.png": _PNG, "uploads/b.pdf": _PDF, "uploads/c.wav": b"RIFF"},
    )
    await models.answer(request)
    sent = json.dumps(provider.requests[0].body)
    sees = slug != "local/llama"
    assert ("iVBORw0KGgo" in sent) == sees
    assert ("JVBERi0xLjQK" in sent) == sees
    assert ("The file uploads/a.png (image/png) can't be shown" in sent) != sees
    assert "The file uploads/c.wav (audio/wav) can't be shown" in sent


@each_provider
@pytest.mark.parametrize(
    "trouble",
    [
        Fail(429, retry_after=0),
        Fail(503),
        Fail(529),
        Fail(408),
        Break(),
        Garbage(),
    ],
    ids=["429", "503", "529", "408", "a broken connection", "garbage"],
)
async def test_trouble_that_passes_is_waited_out(
    models: OperatorModels, provider: ModelServer, slug: str, trouble: Any
) -> None:
    provider.script(trouble, trouble, trouble, Say("At last."))
    assert (await models.answer(_request(slug))).text == "At last."
    assert len(provider.requests) == 4


@each_provider
@pytest.mark.parametrize(
    ("trouble", "tries", "says"),
    [
        (Fail(429, retry_after=0), 4, "HTTP 429"),
        (Fail(500, "overheated"), 4, "HTTP 500"),
        (Break(), 4, "can't be reached"),
        (Garbage(), 4, "try again later"),
        (Fail(400, "this is odd"), 1, "this is odd"),
        (Fail(404, "no such model"), 1, "models file"),
        (Fail(429, retry_after=86_400), 1, "HTTP 429"),
    ],
    ids=["429", "500", "a broken connection", "garbage", "400", "404", "a long wait"],
)
async def test_trouble_that_stays_is_a_sentence_that_names_slug_and_provider(
    models: OperatorModels, provider: ModelServer, slug: str, trouble: Any, tries: int, says: str
) -> None:
    provider.script(*[trouble] * tries)
    with pytest.raises(ModelFailed) as caught:
        await models.answer(_request(slug))
    assert says in str(caught.value)
    assert f"`{slug}` did not answer: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(provider.requests) == tries


@each_provider
async def test_a_refused_key_is_in_no_sentence(
    models: OperatorModels, provider: ModelServer, slug: str
) -> None:
    provider.script(Fail(401, f"{KEY} is not valid"))
    with pytest.raises(ModelFailed, match="check the key in the server's environment") as caught:
        await models.answer(_request(slug))
    assert KEY not in str(caught.value)
    provider.script(Fail(400, f"{KEY} is odd"))
    if slug != "local/llama":
        with pytest.raises(ModelFailed) as caught:
            await models.answer(_request(slug))
        assert KEY not in str(caught.value)


async def test_malformed_arguments_are_a_call_that_the_loop_can_refuse(
    models: OperatorModels, provider: ModelServer
) -> None:
    provider.script(Say(calls=[("add", '{"a": 1, ')]))
    answer = await models.answer(_request("openai/gpt-6.1-sol"))
    assert answer.tool_calls[0]["input"] == {"INVALID_JSON": '{"a": 1, '}


async def test_thinking_goes_back_to_its_provider_with_its_signature(
    models: OperatorModels, provider: ModelServer
) -> None:
    slug = "anthropic/claude-haiku-4.5"
    provider.script(Say("So.", calls=[("add", {"a": 1, "b": 2})], thinking="sums"), Say("Three."))
    first = await models.answer(_request(slug))
    await models.answer(_request(slug, *_turn(slug, first, "3")))
    assert provider.requests[1].body["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "sums",
        "signature": "signature-of-sums",
    }


async def test_another_provider_gets_what_a_turn_came_to(
    models: OperatorModels, provider: ModelServer
) -> None:
    slug = "anthropic/claude-haiku-4.5"
    provider.script(Say("So.", calls=[("add", {"a": 1, "b": 2})], thinking="sums"), Say("Three."))
    first = await models.answer(_request(slug))
    answer = await models.answer(_request("openai/gpt-6.1-sol", *_turn(slug, first, "3", ok=False)))
    sent = json.dumps(provider.requests[1].body)
    assert answer.text == "Three."
    assert "So." in sent
    assert first.tool_calls[0]["id"] in sent
    assert "signature-of-sums" not in sent


@pytest.mark.parametrize("ttl", ["5m", "1h"])
async def test_claude_is_asked_to_keep_the_prompt_and_what_that_costs_is_in_the_price(
    models: OperatorModels, provider: ModelServer, ttl: Any
) -> None:
    say = Say("Three.", input_tokens=100_000, output_tokens=0, written_tokens=100_000)
    provider.script(say)
    answer = await models.answer(_request("anthropic/claude-haiku-4.5", cache_ttl=ttl))
    kept = {"type": "ephemeral", "ttl": ttl}
    body = provider.requests[0].body
    assert body["system"][-1]["cache_control"] == kept
    assert body["tools"][-1]["cache_control"] == kept
    assert answer.cost_micros == {"5m": 125_000, "1h": 200_000}[ttl]


@pytest.mark.parametrize(
    ("slug", "forced"),
    [
        ("anthropic/claude-haiku-4.5", {"type": "any", "disable_parallel_tool_use": False}),
        ("anthropic/claude-sonnet-5.5", {"type": "auto", "disable_parallel_tool_use": False}),
        ("openai/gpt-6.1-sol", "required"),
    ],
)
async def test_a_call_is_forced_where_the_model_can_be_forced(
    models: OperatorModels, provider: ModelServer, slug: str, forced: Any
) -> None:
    provider.script(Say("Three."))
    await models.answer(_request(slug, must_call_tool=True))
    assert provider.requests[0].body["tool_choice"] == forced


async def test_the_output_limit_is_the_lower_of_what_is_asked_and_what_the_model_gives(
    models: OperatorModels, provider: ModelServer
) -> None:
    provider.script(Say("1"), Say("2"))
    await models.answer(_request("local/llama", max_output_tokens=77))
    await models.answer(_request("local/llama", max_output_tokens=10**9))
    limits = [
        request.body.get("max_tokens", request.body.get("max_completion_tokens"))
        for request in provider.requests
    ]
    assert limits == [77, 16_000]


async def test_the_server_itself_never_imports_the_libraries_of_providers() -> None:
    assert not {"pydantic_ai", "anthropic", "openai"} & set(sys.modules)
