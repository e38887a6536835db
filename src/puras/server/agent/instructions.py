"""The words that an agent works by: its `SKILL.md`, without the front matter."""

from __future__ import annotations

from puras.bundle.agent_skill import ENTRYPOINT, front_matter
from puras.server.worker.run import Ground, Run


def instructions_of(run: Run, ground: Ground) -> str:
    """Return a run's instructions."""
    text = (ground.skill_folder(run.skill) / ENTRYPOINT).read_text(encoding="utf-8")
    return _body(text)


def _body(text: str) -> str:
    matter = front_matter(text)
    return text if matter is None else text[text.index(matter) + len(matter) :].partition("\n")[2]
