"""`types`: from a folder or a server into a file, and the file kept up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run
from .loopback import Loopback

CARD = "GET /v1/skills/acme/ads/ad"
SCHEMA = {"type": "object", "properties": {"name": {"type": "text"}}, "required": ["name"]}
SKILL = """\
description: Greets.
entrypoint: main.py:run
input_schema:
  type: object
  properties: {name: {type: text}}
  required: [name]
"""


@pytest.fixture
def pack(server: Loopback) -> dict[str, Any]:
    """A skillpack whose active version has one skill and one subskill; the newest is another."""
    pack = server.add_skillpack("greetings")
    active = server.add_deployment(pack, input_schema=SCHEMA)
    below = active["manifest"]["skills"][0] | {"name": "hello/part", "parent": "hello"}
    active["manifest"]["skills"].append(below)
    server.add_deployment(pack, active=False, name="newer")
    return pack


@pytest.fixture
def bundle(home: Path) -> Path:
    """The folder `my-skills`, with the skill `hello`."""
    folder = Path("my-skills/hello")
    folder.mkdir(parents=True)
    (folder / "skill.yaml").write_text(SKILL)
    (folder / "main.py").write_text("def run(name):\n    return {}\n")
    return folder.parent


def paths(result: Any) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [skill["path"] for skill in json.loads(result.stdout)["skills"]]


def test_a_folder_needs_no_server_and_no_login(run: Run, bundle: Path) -> None:
    result = run("types", "./my-skills", "--lang", "ts")
    assert result.exit_code == 0, result.stderr
    assert "//   puras types ./my-skills --lang ts\n" in result.stdout
    assert "export interface HelloInputs {\n  name: string;\n}\n" in result.stdout
    assert '    "my-skills/hello": Hello;\n' in result.stdout


def test_the_current_folder_is_taken_where_nothing_is_named(
    run: Run, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle)
    assert paths(run("types", "--lang", "py", "--output", "json")) == ["my-skills/hello"]


def test_a_bundle_that_was_deployed_is_called_by_its_slug(run: Run, bundle: Path) -> None:
    (bundle / "puras.yaml").write_text("slug: greetings\n")
    for folder in ("./my-skills", "./my-skills/hello", str(bundle.resolve())):
        result = run("types", folder, "--lang", "py", "--output", "json")
        assert paths(result) == ["greetings/hello"]


def test_a_single_skill_is_called_as_it_would_be_deployed(run: Run, bundle: Path) -> None:
    assert paths(run("types", "./my-skills/hello", "--lang", "py", "--output", "json")) == [
        "hello/hello"
    ]


def test_a_bundle_with_faults_is_refused_with_all_of_them(run: Run, bundle: Path) -> None:
    (bundle / "hello/skill.yaml").write_text("entrypont: main.py:run\ninput_schema: []\n")
    result = run("types", "./my-skills", "--lang", "ts")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "did you mean `entrypoint`" in result.stderr
    assert "$.input_schema" in result.stderr
    missing = run("types", "./nowhere", "--lang", "ts")
    assert (missing.exit_code, "there is no folder nowhere" in missing.stderr) == (2, True)


def test_a_skillpack_is_its_active_version_without_subskills(
    puras: Run, pack: dict[str, Any]
) -> None:
    result = puras("types", "greetings", "--lang", "ts", "--output", "json")
    assert paths(result) == ["greetings/hello"]
    assert "name: string;" in json.loads(result.stdout)["text"]


def test_a_skill_of_ones_own_is_named_with_its_skillpack(puras: Run, pack: dict[str, Any]) -> None:
    assert paths(puras("types", "greetings/hello/", "--lang", "ts", "--output", "json")) == [
        "greetings/hello"
    ]


def test_a_skill_of_others_is_read_from_its_card(puras: Run, server: Loopback) -> None:
    card = {"description": "An ad.", "input_schema": SCHEMA, "output_schema": None}
    server.script(CARD, card)
    result = puras("types", "acme/ads/ad", "--lang", "ts")
    assert '    "acme/ads/ad": Ad;\n' in result.stdout
    assert [seen.target for seen in server.seen] == ["/v1/skills/acme/ads/ad"]


def test_folders_and_skills_of_the_server_go_into_one_file(
    puras: Run, pack: dict[str, Any], bundle: Path
) -> None:
    result = puras("types", "./my-skills", "greetings", "-o", "skills.py", "--output", "json")
    assert paths(result) == ["greetings/hello", "my-skills/hello"]
    names = [skill["name"] for skill in json.loads(result.stdout)["skills"]]
    assert names == ["GreetingsHello", "MySkillsHello"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("greetings/helo", "there is no skill `helo` in greetings; did you mean hello?"),
        ("greeting", "there is no skillpack `greeting` in your workspace; did you mean greetings?"),
        ("other/pack", "puras types other/pack/SKILL"),
    ],
)
def test_what_is_not_there_is_told_with_what_comes_near(
    puras: Run, pack: dict[str, Any], wanted: str, said: str
) -> None:
    result = puras("types", wanted, "--lang", "ts")
    assert (result.exit_code, result.stdout) == (4, "")
    assert said in result.stderr


def test_a_card_that_is_not_there_names_near_skills_of_ones_own(
    puras: Run, server: Loopback
) -> None:
    server.script("GET /v1/skillpacks/acme/ads/deployments", [_version("ad")])
    server.refuse("GET /v1/skills/acme/ads/add", 404, "skill_not_found")
    result = puras("types", "acme/ads/add", "--lang", "ts")
    assert result.exit_code == 4
    assert "no: skill_not_found; did you mean ad?" in result.stderr


def _version(skill: str) -> dict[str, Any]:
    return {"is_active": True, "manifest": {"skills": [{"name": skill}]}}


def test_a_folder_of_the_same_name_is_offered(puras: Run, server: Loopback, bundle: Path) -> None:
    result = puras("types", "my-skills", "--lang", "ts")
    assert "Next: if you mean the folder: puras types ./my-skills" in result.stderr


def test_a_skillpack_without_an_active_version_is_told(puras: Run, server: Loopback) -> None:
    server.add_skillpack("empty")
    result = puras("types", "empty", "--lang", "ts")
    assert (result.exit_code, "no version of empty is active" in result.stderr) == (4, True)


@pytest.mark.parametrize("wanted", ["a//b", "a/b/c/d"])
def test_what_is_no_path_is_refused_before_anything_is_asked(
    puras: Run, server: Loopback, wanted: str
) -> None:
    result = puras("types", wanted, "--lang", "ts")
    assert result.exit_code == 2
    assert "is no path: write `workspace/skillpack/skill`" in result.stderr
    assert server.seen == []


def test_a_schema_that_this_version_can_t_read_is_no_crash(puras: Run, server: Loopback) -> None:
    card = {"description": "", "input_schema": {"type": "picture"}, "output_schema": None}
    server.script(CARD, card)
    result = puras("types", "acme/ads/ad", "--lang", "ts")
    assert result.exit_code == 1
    assert "$.type: there is no type `picture`" in result.stderr


@pytest.mark.parametrize(
    ("file", "lang"), [("a.ts", "ts"), ("a.d.ts", "ts"), ("a.mts", "ts"), ("a.py", "py")]
)
def test_the_language_is_what_the_file_ends_in(
    run: Run, bundle: Path, file: str, lang: str
) -> None:
    result = run("types", "./my-skills", "-o", f"new/{file}", "--output", "json")
    assert json.loads(result.stdout) == {
        "lang": lang,
        "skills": [
            {
                "path": "my-skills/hello",
                "name": "Hello",
                "inputs": "HelloInputs",
                "result": "HelloResult",
            }
        ],
        "file": f"new/{file}",
        "changed": True,
    }
    head = "// What skills" if lang == "ts" else '"""What skills'
    assert Path(f"new/{file}").read_text().startswith(head)


@pytest.mark.parametrize("options", [[], ["-o", "types.txt"]])
def test_a_language_that_nothing_tells_is_asked_for(
    run: Run, bundle: Path, options: list[str]
) -> None:
    result = run("types", "./my-skills", *options)
    assert result.exit_code == 2
    assert "Say --lang ts or --lang py" in result.stderr


def test_a_file_that_is_up_to_date_is_left_alone(run: Run, bundle: Path) -> None:
    assert run("types", "./my-skills", "-o", "a.ts").stdout == "Wrote a.ts: 1 skill.\n"
    before = Path("a.ts").stat().st_mtime_ns
    again = run("types", "./my-skills", "-o", "a.ts")
    assert again.stdout == "a.ts is up to date: 1 skill.\n"
    assert Path("a.ts").stat().st_mtime_ns == before


def test_check_fails_on_a_stale_file_and_writes_nothing(run: Run, bundle: Path) -> None:
    check = ("types", "./my-skills", "-o", "a.ts", "--check")
    missing = run(*check)
    assert missing.exit_code == 1
    assert "a.ts is not there" in missing.stderr
    assert "Next: write it again: puras types ./my-skills -o a.ts" in missing.stderr
    run("types", "./my-skills", "-o", "a.ts")
    assert run(*check).exit_code == 0
    text = Path("a.ts").read_text()
    (bundle / "hello/skill.yaml").write_text(SKILL.replace("type: text", "type: integer"))
    stale = run(*check, "--output", "json")
    assert stale.exit_code == 1
    assert json.loads(stale.stderr)["code"] == "stale"
    assert Path("a.ts").read_text() == text


def test_check_asks_for_the_file_to_compare_with(run: Run, bundle: Path) -> None:
    result = run("types", "./my-skills", "--lang", "ts", "--check")
    assert (result.exit_code, "name it with -o FILE" in result.stderr) == (2, True)


def test_a_file_that_can_t_be_written_is_told(run: Run, bundle: Path) -> None:
    Path("blocked").write_text("")
    result = run("types", "./my-skills", "-o", "blocked/a.ts")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "blocked/a.ts can't be" in result.stderr
