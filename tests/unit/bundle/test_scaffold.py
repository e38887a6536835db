from __future__ import annotations

from pathlib import Path

import pytest

from puras.bundle.entrypoints import parse_entrypoint
from puras.bundle.pack import files_to_pack
from puras.bundle.scaffold import CannotScaffold, scaffold
from puras.bundle.schema import fill_defaults, shape_output
from puras.bundle.validate import check_folder


@pytest.mark.parametrize("name", ["hello", "my-skill", "007", "null", "on"])
def test_a_new_bundle_is_sound_and_its_example_tells_the_truth(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "new"
    written = scaffold(folder, name)
    assert all(path.is_file() for path in written)
    manifest, faults = check_folder(folder)
    assert faults == []
    (skill,) = manifest["skills"]
    assert skill["name"] == name
    entrypoint = parse_entrypoint(skill["entrypoint"])
    assert not isinstance(entrypoint, str)
    module: dict[str, object] = {}
    exec((folder / name / entrypoint.file).read_text(), module)
    for example in skill["examples"]:
        inputs = fill_defaults(skill["input_schema"], example["inputs"])
        output = module[entrypoint.function](**inputs)  # type: ignore[operator]
        assert shape_output(skill["output_schema"], output) == (example["outputs"], [])


def test_only_the_skill_goes_into_the_archive(tmp_path: Path) -> None:
    scaffold(tmp_path / "new", "hello")
    names = [file.name for file in files_to_pack(tmp_path / "new")]
    assert names == ["hello/main.py", "hello/skill.yaml"]


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CannotScaffold, match="is not empty: choose another folder"):
        scaffold(tmp_path, "hello")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("mine")
    with pytest.raises(CannotScaffold, match="is not empty"):
        scaffold(tmp_path / "new", "hello")


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert scaffold(tmp_path, "hello")


@pytest.mark.parametrize("name", ["", "a b", "../up", "a/b", "-a", "x" * 65])
def test_a_name_that_can_be_no_skill_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotScaffold, match="can't be a skill's name"):
        scaffold(tmp_path / "new", name)
    assert not (tmp_path / "new").exists()
