from __future__ import annotations

import pytest

from puras.bundle.layout import find_skills, folder_of, lone_skill
from puras.bundle.manifest import Pack, read_pack
from puras.bundle.validate import check_folder

from .conftest import Write

YAML = "entrypoint: main.py:run"
MAIN = "def run(): ..."
MATTER = "---\nname: my-skill\ndescription: 'Does: things.'\nlicense: MIT\n---\n# Do it\n"


def test_a_folder_is_a_skill_by_its_skill_yaml_or_its_skill_md(write: Write) -> None:
    bundle = write(
        {
            "b/skill.yaml": YAML,
            "a/SKILL.md": MATTER,
            "b/subskills/z/skill.yaml": YAML,
            "b/subskills/y/SKILL.md": MATTER,
            "lib/code.py": "",
            ".hidden/skill.yaml": YAML,
            "README.md": "",
        }
    )
    skills, _ = find_skills(bundle)
    assert [(skill.name, skill.parent, skill.is_bare) for skill in skills] == [
        ("a", None, True),
        ("b", None, False),
        ("b/y", "b", True),
        ("b/z", "b", False),
    ]


def test_a_link_to_a_folder_is_no_skill(write: Write) -> None:
    bundle = write({"a/skill.yaml": YAML})
    (bundle / "b").symlink_to(bundle / "a")
    assert [skill.name for skill in find_skills(bundle)[0]] == ["a"]


@pytest.mark.parametrize(
    ("files", "file", "words"),
    [
        ({}, ".", "there is no skill here"),
        ({"lib/code.py": ""}, ".", "there is no skill here"),
        ({"a b/skill.yaml": YAML, "a b/main.py": MAIN}, "a b", "`a b` can't be a skill's name"),
        ({"ü/skill.yaml": YAML, "ü/main.py": MAIN}, "ü", "can't be a skill's name"),
        (
            {"a/SKILL.md": MATTER, "a/skill.yml": YAML},
            "a/skill.yml",
            "rename the file to `skill.yaml`",
        ),
        (
            {"skill.yaml": YAML, "main.py": MAIN, "b/skill.yaml": YAML},
            "skill.yaml",
            "a skill at the root hides `b`",
        ),
        (
            {
                "a/SKILL.md": MATTER,
                "a/subskills/b/SKILL.md": MATTER,
                "a/subskills/b/subskills/c/SKILL.md": MATTER,
            },
            "a/subskills/b",
            "a subskill has no subskills",
        ),
    ],
)
def test_a_folder_that_can_not_be_what_it_seems_is_a_fault(
    write: Write, files: dict[str, str], file: str, words: str
) -> None:
    (fault,) = check_folder(write(files))[1]
    assert fault.get("file") == file
    assert words in fault["message"]


def test_the_folder_of_a_skill_follows_from_its_name() -> None:
    assert folder_of("greet") == "greet"
    assert folder_of("greet/inner") == "greet/subskills/inner"


def test_a_folder_that_is_one_skill_is_a_bundle_of_that_skill(write: Write) -> None:
    bundle = write({"skill.yaml": YAML, "main.py": MAIN})
    assert lone_skill(bundle) == "bundle"
    assert lone_skill(bundle, name="other") == "other"
    manifest, faults = check_folder(bundle)
    assert faults == []
    assert [skill["name"] for skill in manifest["skills"]] == ["bundle"]


def test_a_repository_that_is_an_agent_skill_is_named_by_its_front_matter(write: Write) -> None:
    bundle = write({"SKILL.md": MATTER, "scripts/x.py": ""})
    manifest, faults = check_folder(bundle)
    assert faults == []
    assert [skill["name"] for skill in manifest["skills"]] == ["my-skill"]


def test_a_skill_md_beside_skills_is_only_a_text(write: Write) -> None:
    assert lone_skill(write({"SKILL.md": MATTER, "a/SKILL.md": MATTER})) is None


def test_an_agent_skill_takes_a_prompt_and_gives_an_answer(write: Write) -> None:
    manifest, faults = check_folder(write({"helper/SKILL.md": MATTER}))
    assert faults == []
    (skill,) = manifest["skills"]
    assert skill["name"] == "helper"
    assert skill["type"] == "agentic"
    assert skill["entrypoint"] == "SKILL.md"
    assert skill["description"] == "Does: things."
    assert skill["extra"] == {"license": "MIT"}
    assert skill["input_schema"]["properties"]["prompt"]["type"] == "text"
    assert skill["output_schema"]["properties"]["answer"]["type"] == "text"  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("# Only a text", "$", "begin with front matter"),
        ("---\nname: x\n", "$", "begin with front matter"),
        ("", "$", "begin with front matter"),
        ("---\nname: x\n---\n", "$.description", "the front matter needs `description`"),
        ("---\ndescription: x\n---\n", "$.name", "the front matter needs `name`"),
        ("---\nname: [x]\ndescription: x\n---\n", "$.name", "the front matter needs `name`"),
        ("---\nname: x\ndescription: a: b\n---\n", "line 3", "mapping values are not allowed"),
        ("---\n- a\n---\n", "$", "the file is a mapping"),
    ],
)
def test_an_agent_skill_without_its_front_matter_is_a_fault(
    write: Write, text: str, path: str, words: str
) -> None:
    (fault,) = check_folder(write({"helper/SKILL.md": text}))[1]
    assert (fault.get("file"), fault["path"]) == ("helper/SKILL.md", path)
    assert words in fault["message"]


def test_the_settings_of_a_bundle_are_read_as_far_as_they_are_sound(write: Write) -> None:
    identity = "018f0000-0000-7000-8000-000000000000"
    bundle = write({"puras.yaml": f"skillpack_id: {identity}\nslug: cards\npublic: maybe\n"})
    pack, findings = read_pack(bundle)
    assert pack == Pack(skillpack_id=identity, slug="cards")
    assert [fault["path"] for fault in findings.faults] == ["$.public"]


@pytest.mark.parametrize("files", [{}, {"puras.yaml": ""}])
def test_a_bundle_without_settings_has_none(write: Write, files: dict[str, str]) -> None:
    pack, findings = read_pack(write(files))
    assert pack == Pack()
    assert findings.faults == []
