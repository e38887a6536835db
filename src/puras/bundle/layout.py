"""Which folders of a bundle are skills.

A child of the root that has a `skill.yaml`, or a `SKILL.md` alone, is a skill; its name is the
folder's. Its own skills lie in `subskills/`. A folder that is itself one skill counts as a bundle
of that skill.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from puras.bundle.agent_skill import read_agent_skill
from puras.bundle.faults import Findings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

NAME_RULE = "a skill's name has 1 to 64 letters, digits, `_` and `-`, a letter or digit first"


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """A folder that holds a skill. A subskill's name is `parent/sub`, its `parent` is set."""

    name: str
    folder: Path
    parent: str | None = None

    @property
    def is_bare(self) -> bool:
        """An Agent Skill without `skill.yaml`."""
        return not (self.folder / "skill.yaml").is_file()


def folder_of(skill_name: str) -> str:
    """Return the folder of a skill, relative to the bundle, as `/`-separated text."""
    parent, _, sub = skill_name.partition("/")
    return f"{parent}/subskills/{sub}" if sub else parent


def is_skill_folder(folder: Path) -> bool:
    return (folder / "skill.yaml").is_file() or (folder / "SKILL.md").is_file()


def lone_skill(bundle: Path, *, name: str | None = None) -> str | None:
    """Return the name of the skill that a folder itself is; None where it is a bundle.

    An Agent Skill says its name itself; else it is `name`, by default that of the folder.
    """
    own = bundle.resolve().name if name is None else name
    if (bundle / "skill.yaml").is_file():
        return own
    if not (bundle / "SKILL.md").is_file() or any(map(is_skill_folder, _folders(bundle))):
        return None
    skill = read_agent_skill(bundle / "SKILL.md", Findings(""))
    return skill.name if skill else own


def find_skills(bundle: Path) -> tuple[list[SkillFolder], list[Findings]]:
    """Return a bundle's skills, subskills after their parents, and what is wrong with folders."""
    lone = lone_skill(bundle)
    if lone is not None:
        found = [SkillFolder(lone, bundle)]
    else:
        found = [SkillFolder(child.name, child) for child in _skill_folders(bundle)]
    skills = [skill for parent in found for skill in (parent, *_subskills(parent))]
    return skills, [*_faults(skills, bundle), *_strays(bundle, lone)]


def relative(path: Path, bundle: Path) -> str:
    """Write a path inside of a bundle as faults name it."""
    return path.relative_to(bundle).as_posix()


def _folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir() and not folder.is_symlink():
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.is_symlink() and not child.name.startswith("."):
                yield child


def _skill_folders(folder: Path) -> Iterator[Path]:
    return filter(is_skill_folder, _folders(folder))


def _subskills(parent: SkillFolder) -> Iterator[SkillFolder]:
    for child in _skill_folders(parent.folder / "subskills"):
        yield SkillFolder(f"{parent.name}/{child.name}", child, parent.name)


def _faults(skills: list[SkillFolder], bundle: Path) -> Iterator[Findings]:
    for skill in skills:
        findings = Findings(relative(skill.folder, bundle))
        last = skill.name.rpartition("/")[2] if skill.parent else skill.name
        if not NAME.fullmatch(last):
            findings.add(f"`{last}` can't be a skill's name: {NAME_RULE}")
        if skill.parent and any(_skill_folders(skill.folder / "subskills")):
            findings.add("a subskill has no subskills: move them to its parent", "subskills")
        yield findings
    if not skills:
        findings = Findings(".")
        findings.add("there is no skill here: make a folder with a `skill.yaml`, or `puras init`")
        yield findings


def _strays(bundle: Path, lone: str | None) -> Iterator[Findings]:
    inner = list(_skill_folders(bundle))
    if lone is not None and inner:
        findings = Findings("skill.yaml")
        findings.add(f"a skill at the root hides `{inner[0].name}`: give it a folder of its own")
        yield findings
    for folder in (bundle, *_folders(bundle)):
        if (folder / "skill.yml").is_file():
            findings = Findings(relative(folder / "skill.yml", bundle))
            findings.add("rename the file to `skill.yaml`")
            yield findings
