from __future__ import annotations

import pytest

from puras.bundle.requirements import fault_of, read_requirements

from .conftest import Write

YAML = "entrypoint: main.py:run"


def test_requirements_of_root_and_skills_are_one_list_without_doubles(write: Write) -> None:
    bundle = write(
        {
            "requirements.txt": "# shared\n\npillow>=11  # images\nhttpx\n",
            "a/skill.yaml": YAML,
            "a/requirements.txt": "httpx\nnumpy ; python_version >= '3.11'\n",
            "a/subskills/b/skill.yaml": YAML,
            "a/subskills/b/requirements.txt": "six\n",
            "lib/requirements.txt": "not-read\n",
        }
    )
    lines, faults = read_requirements(bundle)
    assert lines == ["pillow>=11", "httpx", "numpy ; python_version >= '3.11'", "six"]
    assert faults == []


def test_a_bundle_without_requirements_has_none(write: Write) -> None:
    assert read_requirements(write({"a/skill.yaml": YAML})) == ([], [])


def test_a_lone_skill_has_its_requirements_read_once(write: Write) -> None:
    bundle = write({"skill.yaml": YAML, "requirements.txt": "-r x\n"})
    assert len(read_requirements(bundle)[1]) == 1


@pytest.mark.parametrize(
    "line",
    [
        "pillow",
        "pillow==11.0",
        "Pillow >= 11, < 12",
        "a[b,c]~=1.2",
        "a (>=1)",
        "a @ https://example.com/a-1.0-py3-none-any.whl",
        "a @ https://example.com/a.whl#sha256=00",
        "a @ git+https://example.com/a.git@main",
        "a; sys_platform == 'linux'",
    ],
)
def test_a_plain_requirement_is_taken(line: str) -> None:
    assert fault_of(line) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-r other.txt", "`-r` is an option"),
        ("-e .", "`-e` is an option"),
        ("--index-url https://example.com/simple", "`--index-url` is an option"),
        ("--extra-index-url=https://x.y", "is an option"),
        ("-c constraints.txt", "`-c` is an option"),
        ("pillow --hash=sha256:00", "is no requirement"),
        ("./local", "is no requirement"),
        ("/abs/path", "is no requirement"),
        ("https://example.com/a.whl", "is no requirement"),
        ("git+https://example.com/a.git", "is no requirement"),
        ("pillow 11", "is no requirement"),
        ("pillow>=", "is no requirement"),
        ("a\\", "write each requirement on one line"),
        ("a @ file:///etc/passwd", "can't be reached from a server"),
        ("a @ http://example.com/a.whl", "can't be reached from a server"),
        ("a @ git+ssh://git@example.com/a.git", "can't be reached from a server"),
        ("a @ ../b", "can't be reached from a server"),
    ],
)
def test_what_steers_the_installer_is_a_fault_with_its_line(
    write: Write, line: str, words: str
) -> None:
    bundle = write({"requirements.txt": f"ok\n{line}\n", "a/skill.yaml": YAML})
    _, (fault,) = read_requirements(bundle)
    assert (fault.get("file"), fault["path"]) == ("requirements.txt", "line 2")
    assert words in fault["message"]
