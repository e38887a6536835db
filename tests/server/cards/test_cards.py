"""What a skill's card shows, to whom, and that its snippets do what they say."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from puras.server.cards.snippets import snippets
from puras.server.keys.fences import AllowedSkill, Fences
from puras.wire import ManifestSkill

from ..jobs.bench import Bench, Skill, listening
from ..support import manifest_skill, problem

CARD = "/v1/skills/local/pack/greet"
GREET = Skill(
    "greet",
    "def run(name, loud=None): return {'text': f'Hello {name}'}\n",
    properties={"name": {"type": "string"}, "loud": {"type": ["boolean", "null"]}},
    more={
        "title": "Greet",
        "output_schema": {"type": "object", "properties": {"text": {"type": "string"}}},
        "examples": [{"title": "One", "inputs": {"name": 'D\'Arcy "ß" $HOME\n`x`', "loud": None}}],
    },
)


async def test_a_card_tells_all_that_a_caller_needs(bench: Bench) -> None:
    await bench.deploy(GREET)
    await bench.deploy(GREET)
    card = (await bench.client.get(CARD)).json()
    assert card.pop("snippets").keys() == {"python", "typescript", "react", "curl", "mcp"}
    assert card.pop("input_schema")["properties"].keys() == {"name", "loud"}
    assert card.pop("output_schema")["properties"].keys() == {"text"}
    assert card.pop("examples") == GREET.more["examples"]
    assert card == {
        "path": "local/pack/greet",
        "workspace": "local",
        "skillpack": "pack",
        "skill": "greet",
        "title": "Greet",
        "description": "It can greet.",
        "type": "function",
        "version": 2,
        "public": False,
        "concurrency": None,
    }


async def test_a_public_card_needs_no_key_and_minds_no_bad_one(bench: Bench) -> None:
    await bench.deploy(GREET, public=True)
    for value in ("", "Bearer puras_live_nothing", "Basic x"):
        headers = {"Authorization": value}
        assert (await bench.client.get(CARD, headers=headers)).status_code == 200


async def test_a_private_card_is_for_keys_of_its_workspace_that_may_run_it(bench: Bench) -> None:
    await bench.deploy(GREET, Skill("other", "def run(): return {}\n"))
    (pack,) = await bench.rows("SELECT id FROM skillpacks")
    allowed = Fences(skills=(AllowedSkill(pack["id"], "greet", "pack/greet"),))
    denied = Fences(skills=(AllowedSkill(pack["id"], "other", "pack/other"),))
    for key in (await bench.mint(fences=allowed), await bench.mint(kind="publishable")):
        assert (await bench.client.get(CARD, headers=key.headers)).status_code == 200
    for headers in (
        (await bench.mint(fences=denied)).headers,
        (await bench.stranger()).headers,
        {"Authorization": ""},
    ):
        answer = await bench.client.get(CARD, headers=headers)
        assert problem(answer) == (404, "skill_not_found")


async def test_a_page_that_a_key_does_not_list_is_shown_no_private_card(bench: Bench) -> None:
    await bench.deploy(GREET)
    key = await bench.mint(
        kind="publishable", fences=Fences(allowed_origins=("https://app.example",))
    )
    for origin, status in (("https://app.example", 200), ("https://evil.example", 404)):
        answer = await bench.client.get(CARD, headers={**key.headers, "Origin": origin})
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["local/pack/none", "local/none/greet", "none/pack/greet"])
async def test_what_does_not_exist_has_no_card(bench: Bench, path: str) -> None:
    await bench.deploy(GREET, public=True)
    answer = await bench.client.get(f"/v1/skills/{path}")
    assert problem(answer) == (404, "skill_not_found")


async def test_a_subskill_has_no_card(bench: Bench) -> None:
    await bench.deploy(GREET, Skill("greet/below", "def run(): return {}\n"))
    answer = await bench.client.get("/v1/skills/local/pack/greet%2Fbelow")
    assert problem(answer) == (404, "skill_not_found")


async def test_a_skillpack_with_nothing_active_has_no_card(bench: Bench) -> None:
    await bench.deploy(GREET, public=True, activate="false")
    assert problem(await bench.client.get(CARD)) == (404, "skill_not_found")


@pytest.mark.parametrize("language", ["python", "curl"])
async def test_a_snippet_runs_as_it_is(bench: Bench, language: str) -> None:
    await bench.deploy(GREET)
    card = (await bench.client.get(CARD)).json()
    token = str(bench.client.headers["authorization"]).partition(" ")[2]
    async with listening(bench.platform) as base:
        snippet = card["snippets"][language].replace(bench.platform.settings.public_url, base)
        command = (
            [sys.executable, "-c", snippet]
            if language == "python"
            else ["bash", "-euc", snippet.replace("curl ", "curl -sS ", 1)]
        )
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"PATH": os.environ["PATH"], "PURAS_API_KEY": token},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    assert process.returncode == 0
    text = said.decode()
    told = json.loads(text)["result"] if language == "curl" else eval(text)
    assert told == {"text": 'Hello D\'Arcy "ß" $HOME\n`x`'}


def _skill(properties: dict[str, Any], **more: Any) -> ManifestSkill:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {**manifest_skill("s"), "input_schema": schema, **more}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("schema", "stand_in"),
    [
        ({"type": "string"}, "…"),
        ({"type": ["integer", "null"]}, 1),
        ({"type": "boolean"}, True),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 3}, 3),
        ({"default": [1]}, [1]),
        ({"examples": ["x"]}, "x"),
        ({"type": "image"}, "https://example.com/image.png"),
        (True, "…"),
    ],
)
def test_without_examples_required_inputs_have_stand_ins(schema: Any, stand_in: Any) -> None:
    made = snippets("a/b/s", _skill({"x": schema}), api_base="http://127.0.0.1:1")
    assert repr({"x": stand_in}) in made["python"]
    assert json.dumps({"x": stand_in}, ensure_ascii=False, indent=2) in made["typescript"]
