"""What the CLI reads of `puras.yaml`, and the two lines it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from puras.cli.failures import CommandFailed
from puras.cli.project import Project, read_project, skillpack_here, slug_of, write_identity


def test_a_folder_without_the_file_says_nothing(tmp_path: Path) -> None:
    assert read_project(tmp_path) == Project()


def test_the_id_counts_before_the_slug(tmp_path: Path) -> None:
    (tmp_path / "puras.yaml").write_text("slug: a\nskillpack_id: 7\npublic: true\n")
    project = read_project(tmp_path)
    assert (project.reference, project.slug, project.public) == ("7", "a", True)


def test_it_is_read_as_the_server_reads_it(tmp_path: Path) -> None:
    (tmp_path / "puras.yaml").write_text("slug: on\ntitle: 9:16\npublic: yes\n")
    assert read_project(tmp_path) == Project(slug="on", title="9:16", public=False)


@pytest.mark.parametrize("text", ["- a\n", "slug: [\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "puras.yaml").write_text(text)
    with pytest.raises(CommandFailed, match=r"puras\.yaml"):
        read_project(tmp_path)


def test_the_identity_is_written_into_a_new_file(tmp_path: Path) -> None:
    assert write_identity(tmp_path, skillpack_id="7", slug="a")
    assert (tmp_path / "puras.yaml").read_text() == "skillpack_id: 7\nslug: a\n"


def test_writing_the_identity_keeps_every_other_byte(tmp_path: Path) -> None:
    path = tmp_path / "puras.yaml"
    path.write_text("# ours\ntitle: Hello   # a title\nslug: a\n\nmarketing:\n  slug: inner\n")
    assert write_identity(tmp_path, skillpack_id="7", slug="b")
    assert path.read_text() == (
        "skillpack_id: 7\n# ours\ntitle: Hello   # a title\nslug: b\n\nmarketing:\n  slug: inner\n"
    )
    assert not write_identity(tmp_path, skillpack_id="7", slug="b")


@pytest.mark.parametrize(
    ("name", "slug"),
    [("my-skills", "my-skills"), ("My Skills!", "my-skills"), ("_a_", "a"), ("ünïcode", "n-code")],
)
def test_a_folders_name_makes_a_slug(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["", "---", "日本"])
def test_a_name_that_makes_no_slug_is_refused(name: str) -> None:
    with pytest.raises(CommandFailed, match="makes no slug"):
        slug_of(name)


def test_a_command_knows_its_skillpack_from_the_option_or_the_folder(tmp_path: Path) -> None:
    (tmp_path / "puras.yaml").write_text("slug: here\n")
    assert skillpack_here("given", tmp_path) == "given"
    assert skillpack_here(None, tmp_path) == "here"
    (tmp_path / "puras.yaml").unlink()
    with pytest.raises(CommandFailed, match="which skillpack"):
        skillpack_here(None, tmp_path)
