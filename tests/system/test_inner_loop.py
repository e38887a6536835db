"""An author at work on an agent: edit, run, watch, without a server or a key at first."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .conftest import PURAS, serving

pytestmark = pytest.mark.slow

CONTRACT = """
description: Answer a question.
entrypoint: SKILL.md
input_schema: {type: object, properties: {topic: {type: string}}, required: [topic]}
output_schema: {type: object, properties: {answer: {type: string}}}
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with one agent, `ask`."""
    skill = tmp_path / "bundle" / "ask"
    skill.mkdir(parents=True)
    (skill / "skill.yaml").write_text(CONTRACT)
    (skill / "SKILL.md").write_text("Answer the question.")
    return skill.parent


def puras(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PURAS, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def run_local(home: Path, bundle: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return puras(home, "run", "ask", "-i", "topic=tea", "--local", "--dir", str(bundle), *more)


def test_an_agent_is_run_from_its_folder_without_any_key(tmp_path: Path, bundle: Path) -> None:
    ran = run_local(tmp_path, bundle)
    assert ran.returncode == 0, ran.stderr
    assert "draft" in json.loads(ran.stdout)["answer"].lower()
    assert "model_response  local/draft" in ran.stderr


def test_a_model_that_is_not_there_is_a_usage_error(tmp_path: Path, bundle: Path) -> None:
    ran = run_local(tmp_path, bundle, "--model", "nobody/none")
    assert ran.returncode == 2
    assert ran.stderr.startswith("Error: --model: no model is called `nobody/none`"), ran.stderr
    assert "puras models" in ran.stderr


def test_a_model_without_its_key_says_how_to_give_one(tmp_path: Path, bundle: Path) -> None:
    ran = run_local(tmp_path, bundle, "--model", "anthropic/claude-sonnet-4.6")
    assert ran.returncode == 1
    assert "needs a key: set `ANTHROPIC_API_KEY`" in ran.stderr
    assert "puras login --llm-api-key" in ran.stderr
    assert "puras logs" not in ran.stderr


def test_a_servers_models_are_those_of_the_kept_model_key(tmp_path: Path) -> None:
    kept = puras(tmp_path, "login", "--llm-api-key", "sk-ant-not-a-real-one")
    assert "ANTHROPIC_API_KEY" in kept.stdout
    assert (tmp_path / ".puras" / "config.json").stat().st_mode & 0o777 == 0o600
    with serving(tmp_path) as served:
        models = json.loads(served.puras("models", "--output", "json").stdout)
    usable = {model["provider"] for model in models if model["usable"]}
    assert usable == {"anthropic", "draft"}


def test_a_key_of_no_known_provider_is_refused(tmp_path: Path) -> None:
    kept = puras(tmp_path, "login", "--llm-api-key", "hello")
    assert kept.returncode == 2
    assert "ANTHROPIC_API_KEY" in kept.stderr


def test_an_edit_is_deployed_and_run(tmp_path: Path, bundle: Path) -> None:
    home = tmp_path / "home"
    with serving(home, "--dir", str(bundle), "--watch") as served:
        first = json.loads(served.puras("run", "local/ask", "-i", "topic=tea").stdout)
        assert list(first) == ["answer"]
        changed = CONTRACT.replace("answer: {", "verdict: {")
        (bundle / "ask" / "skill.yaml").write_text(changed)
        _wait_for(home / "server.log", '"version": 2')
        second = json.loads(served.puras("run", "local/ask", "-i", "topic=tea").stdout)
        assert list(second) == ["verdict"]
        (bundle / "ask" / "skill.yaml").write_text(changed.replace("entrypoint", "entrypont"))
        _wait_for(home / "server.log", "did you mean `entrypoint`", "bundle_not_deployed")
        again = json.loads(served.puras("run", "local/ask", "-i", "topic=tea").stdout)
        assert list(again) == ["verdict"]


def _wait_for(log: Path, *words: str) -> None:
    """Follow a server's log until a line has one of the words."""
    follow = subprocess.Popen(
        ["tail", "-n", "+1", "-F", str(log)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert follow.stdout is not None
    try:
        for line in follow.stdout:
            if any(word in line.decode() for word in words):
                return
    finally:
        follow.terminate()
        follow.communicate()
