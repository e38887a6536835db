"""What an offline draft makes of `run_subagent`: a call that can be made."""

from __future__ import annotations

from typing import Any

from puras.server.agent.models.example import example
from puras.server.agent.models.seen_files import SeenFiles
from puras.server.agent.tools.subagents import Near, run_schema


def asked(*near: str) -> dict[str, Any]:
    schema = run_schema([Near(name, "does it") for name in near])
    made = example(schema, take_file=SeenFiles("", []).take)
    assert isinstance(made, dict)
    return made


def test_a_draft_runs_a_prompt_file_before_a_skill_whose_inputs_it_does_not_know() -> None:
    made = asked("script", "references/storyboard.md")
    assert (made["target"], made["prompt"]) == ("references/storyboard.md", "")


def test_a_draft_runs_a_skill_where_there_is_no_prompt_file() -> None:
    assert asked("script")["target"] == "script"


def test_a_draft_that_can_name_nothing_runs_a_prompt() -> None:
    made = asked()
    assert (made["target"], made["prompt"]) == ("", "Draft: prompt")
