"""`deploy` and `init`: from a folder to a version of a skillpack."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run
from .loopback import Loopback, an_id


@pytest.fixture
def bundle(run: Run) -> Path:
    assert run("init", "my-skills").exit_code == 0
    return Path("my-skills")


def uploads(server: Loopback) -> list[dict[str, Any]]:
    return [
        each.parts() for each in server.seen if each.path.endswith("/deployments") and each.body
    ]


def test_init_makes_a_bundle_that_deploys(puras: Run, server: Loopback, bundle: Path) -> None:
    assert (bundle / "hello" / "skill.yaml").is_file()
    result = puras("deploy", "my-skills")
    assert result.exit_code == 0, result.output
    assert [pack["slug"] for pack in server.skillpacks] == ["my-skills"]
    (upload,) = uploads(server)
    assert upload["activate"] == "true"
    names = zipfile.ZipFile(io.BytesIO(upload["bundle"])).namelist()
    assert "hello/skill.yaml" in names
    assert "README.md" not in names


def test_init_names_the_skill_and_what_to_do_next(run: Run) -> None:
    result = run("init", "p", "--skill", "greet")
    assert "p/greet/skill.yaml" in result.stdout
    assert result.stdout.endswith("Next: puras deploy p\n")
    assert json.loads(run("init", "q", "--output", "json").stdout)["folder"] == "q"


def test_init_leaves_a_folder_with_something_in_it_alone(run: Run) -> None:
    Path("p").mkdir()
    Path("p/mine.txt").write_text("mine")
    result = run("init", "p")
    assert result.exit_code == 1
    assert "is not empty" in result.stderr
    assert os.listdir("p") == ["mine.txt"]


def test_deploy_says_how_to_call_each_skill(puras: Run, bundle: Path) -> None:
    result = puras("deploy", "my-skills")
    assert result.stdout.splitlines() == [
        "Version 1 of my-skills is deployed and active.",
        "  my-skills/hello  Greets.",
        "Next: puras run my-skills/hello",
    ]
    assert "Created skillpack my-skills" in result.stderr
    assert "Uploading to my-skills (" in result.stderr


def test_deploy_as_json_is_the_deployment_and_its_skillpack(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    result = puras("deploy", "my-skills", "--output", "json")
    shown = json.loads(result.stdout)
    assert (shown["version"], shown["skillpack"]) == (1, "my-skills")
    assert shown["skillpack_id"] == server.skillpacks[0]["id"]
    assert result.stderr == ""


def test_the_next_command_has_an_examples_inputs_quoted_for_the_shell(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    server.skill = {"examples": [{"inputs": {"name": "Ada L.", "size": 3, "loud": True}}]}
    next_line = puras("deploy", "my-skills").stdout.splitlines()[-1]
    assert next_line == (
        "Next: puras run my-skills/hello -i 'name=Ada L.' -i size:=3 -i loud:=true"
    )


def test_puras_yaml_remembers_the_skillpack(puras: Run, server: Loopback, bundle: Path) -> None:
    puras("deploy", "my-skills")
    pack = server.skillpacks[0]
    assert (bundle / "puras.yaml").read_text() == f"skillpack_id: {pack['id']}\nslug: my-skills\n"
    puras("deploy", "my-skills")
    assert len(server.skillpacks) == 1
    assert [each["version"] for each in server.deployments[pack["id"]]] == [2, 1]


def test_an_id_of_another_server_gives_way_to_the_slug(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    (bundle / "puras.yaml").write_text(f"skillpack_id: {an_id(999)}\nslug: kept\n")
    assert puras("deploy", "my-skills").exit_code == 0
    assert [pack["slug"] for pack in server.skillpacks] == ["kept"]
    assert server.skillpacks[0]["id"] in (bundle / "puras.yaml").read_text()


def test_what_puras_yaml_says_describes_a_new_skillpack(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    (bundle / "puras.yaml").write_text("slug: s\ntitle: T\ndescription: D\npublic: true\n")
    puras("deploy", "my-skills")
    assert server.asked("POST", "/v1/skillpacks")[0].json == {
        "name": "T",
        "slug": "s",
        "description": "D",
        "public": True,
    }


def test_a_named_skillpack_wins_and_leaves_puras_yaml_as_it_is(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    (bundle / "puras.yaml").write_text("slug: usual\n")
    puras("deploy", "my-skills", "--app", "staging")
    assert [pack["slug"] for pack in server.skillpacks] == ["staging"]
    assert (bundle / "puras.yaml").read_text() == "slug: usual\n"


@pytest.mark.parametrize("reference", [an_id(999), "acme/other"])
def test_a_skillpack_that_can_only_be_named_if_it_exists_is_not_created(
    puras: Run, server: Loopback, bundle: Path, reference: str
) -> None:
    assert puras("deploy", "my-skills", "--skillpack", reference).exit_code == 4
    assert server.skillpacks == []


def test_without_activation_the_active_version_stays(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    result = puras("deploy", "my-skills", "--no-activate", "--notes", "try this")
    assert "is deployed but not active" in result.stdout
    assert result.stdout.endswith("Next: puras activate 1 --skillpack my-skills\n")
    (upload,) = uploads(server)
    assert (upload["activate"], upload["notes"]) == ("false", "try this")


def test_every_fault_of_a_bundle_is_listed_and_nothing_is_sent(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    (bundle / "hello" / "skill.yaml").write_text("titel: x\nentrypoint: missing.py:run\n")
    (bundle / "requirements.txt").write_text("-r other.txt\n")
    result = puras("deploy", "my-skills")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n  hello/skill.yaml: ") >= 2
    assert "\n  requirements.txt: line 1: " in result.stderr
    assert "did you mean `title`?" in result.stderr
    assert server.seen == []


def test_faults_as_json_name_file_path_and_message(puras: Run, bundle: Path) -> None:
    (bundle / "requirements.txt").write_text("-r other.txt\n")
    error = json.loads(puras("deploy", "my-skills", "--output", "json").stderr)
    assert error["code"] == "bad_requirements"
    assert set(error["errors"][0]) == {"file", "path", "message"}


def test_a_symlink_is_refused_by_name(puras: Run, server: Loopback, bundle: Path) -> None:
    (bundle / "link.txt").symlink_to("/etc/passwd")
    result = puras("deploy", "my-skills")
    assert result.exit_code == 1
    assert "link.txt" in result.stderr
    assert server.seen == []


def test_the_servers_own_faults_are_listed_too(puras: Run, server: Loopback, bundle: Path) -> None:
    pack = server.add_skillpack("my-skills")
    fault = {"file": "hello/skill.yaml", "path": "$.input_schema", "message": "does not compile"}
    server.refuse(
        f"POST /v1/skillpacks/{pack['id']}/deployments", 400, "invalid_bundle", errors=[fault]
    )
    result = puras("deploy", "my-skills")
    assert result.exit_code == 1
    assert "  hello/skill.yaml: $.input_schema: does not compile" in result.stderr
    assert not (bundle / "puras.yaml").exists()


def test_an_upload_that_breaks_says_where_to_look(
    puras: Run, server: Loopback, bundle: Path
) -> None:
    server.add_skillpack("my-skills")
    server.hang_up = True
    result = puras("deploy", "my-skills")
    assert result.exit_code == 1
    assert "look whether it arrived: puras deployments" in result.stderr


def test_a_folder_that_is_not_there_is_a_usage_error(puras: Run, server: Loopback) -> None:
    assert puras("deploy", "nowhere").exit_code == 2
    assert server.seen == []


def test_a_bundle_with_faults_needs_no_login_to_be_told_of_them(run: Run, bundle: Path) -> None:
    (bundle / "hello" / "main.py").unlink()
    assert run("deploy", "my-skills").exit_code == 1
    (bundle / "hello" / "main.py").write_text("def run(name, tone='warm'): return {}\n")
    assert run("deploy", "my-skills").exit_code == 3
