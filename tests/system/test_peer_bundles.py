"""Bundles as a company on the hosted product has them: they deploy here as they are, and run."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from .conftest import Served, serving
from .peer_player import Player

STUDIO = Path(__file__).with_name("bundles") / "ad-studio"
PACKAGES = {"studio_clock": "studio clock 1.0", "studio_voice": "studio voice 1.0"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose machine has the packages that the studio's bundle requires."""
    packages = tmp_path_factory.mktemp("packages")
    for name, said in PACKAGES.items():
        write_wheel(packages, name, code=f"NAME = {said!r}\n")
    index = {"UV_FIND_LINKS": str(packages), "UV_NO_INDEX": "1"}
    with serving(tmp_path_factory.mktemp("studio"), env=index) as served:
        yield served


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The studio's folder, to be changed at will: the CLI writes into it."""
    return Path(shutil.copytree(STUDIO, tmp_path / "checkout"))


def write_wheel(folder: Path, name: str, *, code: str) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def asked(server: Served, method: str, path: str, *, status: int = 200, **body: Any) -> Any:
    """Ask as a plain client does, and return the answer's JSON."""
    authorized = {"Authorization": f"Bearer {server.key}"}
    request = {"method": method, "path": path, "headers": authorized, **body}
    with closing(Player(server.base, {})) as player:
        player.play(
            {
                "name": f"{method} {path}",
                "request": request,
                "response": {"status": status, "json": "<object>"},
                "keep": {"answer": ""},
            }
        )
        return player.kept["answer"]


def deploy(server: Served, slug: str, files: dict[str, str], *, status: int = 201) -> Any:
    asked(server, "POST", "/v1/skillpacks", status=201, json={"name": slug, "slug": slug})
    path = f"/v1/skillpacks/{slug}/deployments"
    return asked(server, "POST", path, status=status, multipart={"bundle": files})


def run(server: Served, path: str, inputs: dict[str, Any]) -> Any:
    body = {"skill": path, "inputs": inputs}
    return asked(server, "POST", "/v1/jobs?wait=true&timeout=60", status=201, json=body)


def test_a_whole_studio_deploys_as_it_is(studio: Served) -> None:
    deployed = deploy(studio, "whole", files_of(STUDIO))
    skills = {skill["name"]: skill for skill in deployed["manifest"]["skills"]}
    kinds = {name: (skill["type"], skill["parent"]) for name, skill in skills.items()}
    assert kinds == {
        "ad": ("function", None),
        "ad/b-roll": ("function", "ad"),
        "ad/script": ("function", "ad"),
        "ad/voice-over": ("function", "ad"),
        "tips": ("agentic", None),
        "ugc-ad": ("agentic", None),
        "ugc-ad/pick-voice": ("function", "ugc-ad"),
        "ugc-ad/script": ("agentic", "ugc-ad"),
    }
    assert skills["ugc-ad"]["needs"] == ["PAGE_TOKEN"]
    assert skills["tips"]["input_schema"]["required"] == ["prompt"]
    assert skills["ad/b-roll"]["process"] == "warm"


def test_what_an_agent_is_told_is_kept_word_by_word(studio: Served) -> None:
    deployed = deploy(studio, "agent", files_of(STUDIO))
    skills = {skill["name"]: skill for skill in deployed["manifest"]["skills"]}
    extra = skills["ugc-ad"]["extra"]
    assert extra["text_model"] == "anthropic/claude-sonnet-4.5"
    assert extra["video_model"] == "bytedance/seedance-2"
    tools = {tool["name"]: tool.get("skill", tool.get("entrypoint")) for tool in extra["tools"]}
    assert tools == {
        "read_page": "tools/pages.py:read_page",
        "publish": "tools/publish.py:publish",
        "write_script": "script",
        "pick_voice": "pick-voice",
        "plan_shots": "ad",
    }
    assert extra["tools"][1]["confirm"] is True
    assert extra["tool_limits"] == {"generate_video": 3, "read_page": 5}
    assert extra["routing"]["on"] == ["schema_fail"]
    assert (extra["cache_ttl"], extra["disable_bash"]) == ("1h", False)
    assert extra["guardrails"]["blocked_words"] == ["yes", "no", "off"]
    assert extra["evals"][0]["graders"][1]["text"] == "It names the product."
    assert skills["ugc-ad/script"]["extra"]["disable_bash"] is True


def test_what_yaml_1_1_would_misread_is_what_the_author_wrote(studio: Served) -> None:
    deployed = deploy(studio, "yaml", files_of(STUDIO))
    ad = next(skill for skill in deployed["manifest"]["skills"] if skill["name"] == "ad")
    assert ad["input_schema"]["properties"]["aspect"]["enum"] == ["9:16", "1:1", "16:9"]
    assert ad["input_schema"]["properties"]["captions"]["enum"] == ["on", "off"]
    assert ad["examples"][1]["inputs"]["captions"] == "off"
    assert ad["extra"]["marketing"] == {
        "headline": "Ads while you wait",
        "badge": "on",
        "ratio": "9:16",
        "launched": "2025-11-03",
        "tags": ["ads", "video"],
    }


def test_a_skill_made_of_subskills_runs_with_its_requirements_and_shared_code(
    studio: Served,
) -> None:
    deploy(studio, "running", files_of(STUDIO))
    job = run(studio, "local/running/ad", {"product": "A mug that keeps coffee warm"})
    assert job["status"] == "succeeded", job
    voice = job["result"].pop("voice")
    assert job["result"] == {
        "script": "A mug that keeps coffee warm. Say what it does for people.",
        "shots": ["keeps", "coffee", "people"],
        "aspect": "9:16",
        "captions": "on",
        "tone": "warm",
        "clock": "studio clock 1.0",
    }
    with urlopen(voice) as answer:
        assert answer.read().startswith(b"studio voice 1.0A mug that keeps")
    assert [output["mime"] for output in job["outputs"]] == ["audio/x-wav"]


def test_a_subskill_is_reached_from_its_parent_alone(studio: Served) -> None:
    deploy(studio, "inner", files_of(STUDIO))
    for skill in ("script", "inner/script", "ad/script"):
        path = "/v1/jobs?skillpack=inner" if "/" not in skill else "/v1/jobs"
        body = {"skill": skill, "inputs": {"product": "Socks", "guide": "Be kind"}}
        refused = asked(studio, "POST", path, status=404, json=body)
        assert refused["code"] == "skill_not_found"


def test_the_id_of_another_server_gives_way_to_the_slug(studio: Served, bundle: Path) -> None:
    done = studio.puras("deploy", str(bundle), "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["skillpack"] == "ad-studio"
    shown = json.loads(studio.puras("skillpacks", "show", "ad-studio", "--output", "json").stdout)
    assert (shown["name"], shown["public"]) == ("9:16", False)
    settings = (bundle / "puras.yaml").read_text()
    assert f"skillpack_id: {shown['id']}\nslug: ad-studio\n" in settings
    assert settings.startswith("# Written by the hosted product's CLI")
    again = json.loads(studio.puras("deploy", str(bundle), "--output", "json").stdout)
    assert (again["skillpack_id"], again["version"]) == (shown["id"], 2)


def test_what_is_wrong_with_a_studio_is_told_at_once_and_nothing_is_deployed(
    studio: Served,
) -> None:
    files = files_of(STUDIO)
    files["ad/skill.yaml"] = files["ad/skill.yaml"].replace("type: color", "type: colour")
    files["ad/subskills/script/skill.yaml"] += "audience: everyone\n"
    files["ugc-ad/skill.yaml"] = files["ugc-ad/skill.yaml"].replace("pages.py:read_page", "no.py:a")
    files["ugc-ad/skill.yaml"] = files["ugc-ad/skill.yaml"].replace("skill: script", "skill: scrip")
    del files["ugc-ad/subskills/script/SKILL.md"]
    refused = deploy(studio, "faulty", files, status=400)
    assert refused["code"] == "invalid_bundle"
    assert [(fault["file"], fault["path"]) for fault in refused["errors"]] == [
        ("ad/skill.yaml", "$.input_schema.properties.accent.type"),
        ("ad/subskills/script/skill.yaml", "$.audience"),
        ("ugc-ad/skill.yaml", "$.tools[0].entrypoint"),
        ("ugc-ad/skill.yaml", "$.tools[2].skill"),
        ("ugc-ad/subskills/script/skill.yaml", "$.entrypoint"),
    ]
    assert "color" in refused["errors"][0]["message"]
    body = {"skill": "faulty/ad", "inputs": {"product": "Socks"}}
    assert (
        asked(studio, "POST", "/v1/jobs", status=404, json=body)["code"] == "no_active_deployment"
    )
