from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.db.queries import Query
from puras.server.deployments import store
from puras.server.deployments.deploy import deploy as deploy_archive
from puras.server.platform import Platform
from puras.server.refusals import Refused
from puras.server.workspaces import store as workspaces
from puras.wire import MAX_BUNDLE_BYTES

from ..support import Minted, mint, problem
from .conftest import CODE, SKILL, bundle

PATH = "/v1/skillpacks/tools/deployments"
ADD_JOB = Query(
    "add_job",
    "INSERT INTO jobs (id, workspace_id, skillpack_id, skillpack, deployment_id, version, "
    "skill_name, type, root_job_id, inputs, created_at) SELECT 'job1', workspace_id, "
    "skillpack_id, 'tools', id, version, 'hello', 'function', 'job1', '{}', 0 "
    "FROM deployments WHERE id = :id",
)
END_JOB = Query("end_job", "UPDATE jobs SET status = 'succeeded', result = '{}', finished_at = 1")


async def deploy(
    client: httpx2.AsyncClient,
    key: Minted,
    archive: bytes,
    *,
    idempotency_key: str | None = None,
    path: str = PATH,
    **fields: str,
) -> httpx2.Response:
    headers = dict(key.headers)
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    files = {"bundle": ("bundle.zip", archive, "application/zip")}
    return await client.post(path, files=files, data=fields, headers=headers)


async def deployed(
    client: httpx2.AsyncClient, key: Minted, archive: bytes, **fields: str
) -> dict[str, Any]:
    answer = await deploy(client, key, archive, **fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def listed(client: httpx2.AsyncClient, key: Minted) -> list[tuple[int, bool]]:
    answer = await client.get(PATH, headers=key.headers)
    return [(one["version"], one["is_active"]) for one in answer.json()]


def archives(platform: Platform) -> set[str]:
    return {path.stem for path in (platform.settings.files_path / "bundles").glob("*.zip")}


def trees(platform: Platform) -> set[str]:
    return {path.name for path in (platform.settings.home / "bundles").glob("*/*")}


def clean(platform: Platform) -> bool:
    """Tell whether nothing of an upload was left behind."""
    return not list((platform.settings.home / "incoming").glob("*"))


async def test_a_deployed_bundle_is_version_one_and_active(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    archive = bundle()
    made = await deployed(client, key, archive, notes=" first ")
    assert (made["version"], made["is_active"], made["notes"]) == (1, True, "first")
    assert made["size_bytes"] == len(archive)
    assert [skill["name"] for skill in made["manifest"]["skills"]] == ["hello"]
    shown = (await client.get("/v1/skillpacks/tools", headers=key.headers)).json()
    assert shown["active_deployment_id"] == made["id"]
    sha256 = hashlib.sha256(archive).hexdigest()
    assert archives(platform) == {sha256}
    tree = await platform.bundles.unpacked(made["id"], sha256)
    assert (tree / "hello/skill.yaml").read_text() == SKILL
    assert clean(platform)


async def test_versions_count_up_and_an_inactive_one_waits(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    await deployed(client, key, bundle(note="1"))
    second = await deployed(client, key, bundle(note="2"), activate="false")
    assert (second["version"], second["is_active"]) == (2, False)
    assert await listed(client, key) == [(2, False), (1, True)]
    answer = await client.post(f"{PATH}/{second['id']}/activate", headers=key.headers)
    assert answer.json() == {**second, "is_active": True}
    assert await listed(client, key) == [(2, True), (1, False)]


async def test_deployments_are_listed_page_by_page(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    for note in "123":
        await deployed(client, key, bundle(note=note))
    first = await client.get(f"{PATH}?limit=2", headers=key.headers)
    assert [one["version"] for one in first.json()] == [3, 2]
    link = first.headers["link"]
    second = await client.get(link[1 : link.index(">")], headers=key.headers)
    assert [one["version"] for one in second.json()] == [1]


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (b"not a zip", "bad_bundle"),
        (b"", "bad_bundle"),
        (bundle({"../evil": "x"}), "bad_bundle"),
        (bundle({"hello/skill.yaml": SKILL, "hello/SKILL.YAML": SKILL}), "bad_bundle"),
        (bundle({}), "invalid_bundle"),
        (bundle({"readme.txt": "no skill here"}), "invalid_bundle"),
        (bundle({"hello/skill.yaml": SKILL}), "invalid_bundle"),
        (
            bundle({"hello/skill.yaml": SKILL, "hello/main.py": CODE, "requirements.txt": "-r x"}),
            "bad_requirements",
        ),
    ],
)
async def test_a_bad_bundle_is_refused_and_leaves_nothing(
    client: httpx2.AsyncClient,
    platform: Platform,
    key: Minted,
    pack: str,
    archive: bytes,
    code: str,
) -> None:
    answer = await deploy(client, key, archive)
    assert problem(answer) == (400, code)
    assert await listed(client, key) == []
    assert (archives(platform), trees(platform), clean(platform)) == (set(), set(), True)
    assert (await deployed(client, key, bundle()))["version"] == 1


async def test_the_entry_that_makes_an_archive_bad_is_named(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    answer = await deploy(client, key, bundle({"a/../../evil.txt": "x"}))
    assert "evil.txt" in answer.json()["detail"]


async def test_slugs_that_name_no_model_are_faults_with_names_like_them(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    agent = (
        "description: Writes.\nentrypoint: SKILL.md\nmodel: anthropic/claude-sonet-5.5\n"
        "routing: {escalate_to: gpt/nothing, on: [schema_fail]}\n"
        "evals: [{inputs: {}, graders: [{kind: rubric, criteria: x, model: gpt/nobody}]}]\n"
    )
    good = agent.replace("sonet", "sonnet")
    for wrong in ("gpt/nothing", "gpt/nobody"):
        good = good.replace(wrong, "gpt/6.1-sol")
    archive = bundle(
        {
            "a/skill.yaml": good,
            "a/SKILL.md": "Write.",
            "a/subskills/b/skill.yaml": agent,
            "a/subskills/b/SKILL.md": "Write.",
        }
    )
    answer = await deploy(client, key, archive)
    assert problem(answer) == (400, "invalid_bundle")
    faults = {fault["path"]: fault for fault in answer.json()["errors"]}
    assert set(faults) == {
        "$.text_model",
        "$.routing.escalate_to",
        "$.evals.cases[0].graders[0].model",
    }
    assert {fault["file"] for fault in faults.values()} == {"a/subskills/b/skill.yaml"}
    assert "did you mean `anthropic/claude-sonnet-5.5`" in faults["$.text_model"]["message"]
    assert "`gpt/nothing`" in faults["$.routing.escalate_to"]["message"]


async def test_media_models_that_there_are_not_are_faults_with_names_like_them(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    good = "image_model: google/nano-banana\nvideo_model: local/draft\n"
    wrong = "image_model: google/nano-bananna\naudio_model: google/nano-banana\n"
    files = {"a/skill.yaml": SKILL + good, "b/skill.yaml": SKILL + wrong}
    archive = bundle({**files, "a/main.py": CODE, "b/main.py": CODE})
    answer = await deploy(client, key, archive)
    assert problem(answer) == (400, "invalid_bundle")
    faults = {fault["path"]: fault for fault in answer.json()["errors"]}
    assert set(faults) == {"$.image_model", "$.audio_model"}
    assert {fault["file"] for fault in faults.values()} == {"b/skill.yaml"}
    assert "for images: it may be `google/nano-banana`" in faults["$.image_model"]["message"]
    assert "`elevenlabs/multilingual-v2`" in faults["$.audio_model"]["message"]


async def test_all_faults_of_a_bundle_are_named_at_once(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    answer = await deploy(
        client,
        key,
        bundle(
            {
                "a/skill.yaml": SKILL.replace("main.py", "gone.py"),
                "b/skill.yaml": SKILL + "colour: red\n",
                "b/main.py": CODE,
            }
        ),
    )
    assert problem(answer) == (400, "invalid_bundle")
    faults = answer.json()["errors"]
    assert {"a/skill.yaml", "b/skill.yaml"} <= {fault["file"] for fault in faults}
    assert all(fault["path"] and fault["message"] for fault in faults)


async def test_a_bundle_over_fifty_mebibytes_is_refused_while_it_is_read(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    answer = await deploy(client, key, bytes(MAX_BUNDLE_BYTES + 1))
    assert problem(answer) == (413, "too_large")
    assert clean(platform)


async def test_a_form_without_a_bundle_is_refused(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    answer = await client.post(PATH, data={"notes": "x"}, headers=key.headers)
    assert problem(answer) == (422, "invalid_request")


@pytest.mark.parametrize("fields", [{"activate": "perhaps"}, {"notes": "x" * 2001}])
async def test_a_field_that_makes_no_sense_is_refused(
    client: httpx2.AsyncClient, key: Minted, pack: str, fields: dict[str, str]
) -> None:
    assert problem(await deploy(client, key, bundle(), **fields)) == (422, "invalid_request")
    assert await listed(client, key) == []


async def test_an_unknown_skillpack_is_told_before_the_bundle_is_read(
    client: httpx2.AsyncClient, key: Minted
) -> None:
    answer = await deploy(client, key, b"", path="/v1/skillpacks/nothing/deployments")
    assert problem(answer) == (404, "skillpack_not_found")


async def test_a_repeated_deploy_makes_one_version(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    first = await deploy(client, key, bundle(), idempotency_key="k")
    again = await deploy(client, key, bundle(), idempotency_key="k")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await deploy(client, key, bundle(note="x"), idempotency_key="k")
    assert problem(other) == (422, "idempotency_mismatch")
    assert await listed(client, key) == [(1, True)]


async def test_deploys_at_once_with_one_idempotency_key_make_one_version(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    answers = await asyncio.gather(
        *(deploy(client, key, bundle(), idempotency_key="k") for _ in range(4))
    )
    for answer in answers:
        if answer.status_code != 201:
            assert problem(answer) == (409, "idempotency_in_progress")
    assert await listed(client, key) == [(1, True)]


async def test_a_refused_deploy_keeps_no_idempotency_key(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    for _ in range(2):
        answer = await deploy(client, key, b"no zip", idempotency_key="k")
        assert problem(answer) == (400, "bad_bundle")
    assert (await deploy(client, key, bundle(), idempotency_key="k")).status_code == 201


async def test_a_deleted_deployment_keeps_its_number(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    first = await deployed(client, key, bundle(note="1"))
    await deployed(client, key, bundle(note="2"))
    answer = await client.delete(f"{PATH}/{first['id']}", headers=key.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert len(archives(platform)) == len(trees(platform)) == 1
    assert (await deployed(client, key, bundle(note="3")))["version"] == 3
    assert [version for version, _ in await listed(client, key)] == [3, 2]
    for method, path in (
        ("DELETE", f"{PATH}/{first['id']}"),
        ("POST", f"{PATH}/{first['id']}/activate"),
    ):
        answer = await client.request(method, path, headers=key.headers)
        assert problem(answer) == (404, "deployment_not_found")


async def test_the_active_deployment_can_t_be_deleted(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    made = await deployed(client, key, bundle())
    answer = await client.delete(f"{PATH}/{made['id']}", headers=key.headers)
    assert problem(answer) == (409, "deployment_in_use")
    assert await listed(client, key) == [(1, True)]


async def test_a_deployment_with_jobs_at_work_can_t_be_deleted(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    made = await deployed(client, key, bundle(note="1"))
    await deployed(client, key, bundle(note="2"))
    await platform.db.write(lambda tx: tx.run(ADD_JOB, id=made["id"]))
    for path in (f"{PATH}/{made['id']}", "/v1/skillpacks/tools"):
        answer = await client.delete(path, headers=key.headers)
        assert problem(answer) == (409, "deployment_in_use")
        assert "job1" in answer.json()["detail"]
    assert len(await listed(client, key)) == 2
    await platform.db.write(lambda tx: tx.run(END_JOB))
    answer = await client.delete(f"{PATH}/{made['id']}", headers=key.headers)
    assert answer.status_code == 204


async def test_bytes_that_two_deployments_share_stay_until_both_are_gone(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    first = await deployed(client, key, bundle(note="same"))
    await deployed(client, key, bundle(note="same"))
    assert len(archives(platform)) == 1
    await client.delete(f"{PATH}/{first['id']}", headers=key.headers)
    assert len(archives(platform)) == 1
    await client.delete("/v1/skillpacks/tools", headers=key.headers)
    assert (archives(platform), trees(platform)) == (set(), set())


async def test_deleting_a_skillpack_deletes_its_deployments_and_keeps_their_rows(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    made = await deployed(client, key, bundle())
    answer = await client.delete("/v1/skillpacks/tools", headers=key.headers)
    assert answer.status_code == 204
    assert await platform.db.read(lambda tx: store.get(tx, made["id"])) is None
    kept = Query("kept", "SELECT version, deleted_at FROM deployments")
    rows = await platform.db.read(lambda tx: tx.all(kept))
    assert [(row["version"], row["deleted_at"] is not None) for row in rows] == [(1, True)]


async def test_a_deployment_of_another_skillpack_is_not_found(
    client: httpx2.AsyncClient, key: Minted, pack: str
) -> None:
    made = await deployed(client, key, bundle())
    body = {"name": "Other", "slug": "other"}
    await client.post("/v1/skillpacks", json=body, headers=key.headers)
    for method, end in (("POST", "/activate"), ("DELETE", "")):
        path = f"/v1/skillpacks/other/deployments/{made['id']}{end}"
        answer = await client.request(method, path, headers=key.headers)
        assert problem(answer) == (404, "deployment_not_found")


async def test_a_skillpack_deleted_while_its_bundle_is_checked_gets_no_version(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str, tmp_path: Path
) -> None:
    shown = (await client.get("/v1/skillpacks/tools", headers=key.headers)).json()
    await client.delete("/v1/skillpacks/tools", headers=key.headers)
    archive = tmp_path / "bundle.zip"
    archive.write_bytes(bundle())
    with pytest.raises(Refused, match="skillpack_not_found"):
        await deploy_archive(
            platform,
            workspace_id=(await platform.db.read(workspaces.every))[0].id,
            skillpack_id=shown["id"],
            archive=archive,
        )
    assert (archives(platform), trees(platform), clean(platform)) == (set(), set(), True)


async def test_publishable_keys_may_not_list_deployments(
    client: httpx2.AsyncClient, platform: Platform, workspace: str, pack: str
) -> None:
    public = await mint(platform, workspace, kind="publishable")
    answer = await client.get(PATH, headers=public.headers)
    assert problem(answer) == (403, "key_kind_not_allowed")


async def test_skills_of_the_active_deployment_are_those_that_can_be_called(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    sub = {"hello/subskills/part/skill.yaml": SKILL, "hello/subskills/part/main.py": CODE}
    made = await deployed(
        client, key, bundle({"hello/skill.yaml": SKILL, "hello/main.py": CODE, **sub})
    )
    found = await platform.db.read(lambda tx: store.get(tx, made["id"]))
    assert found is not None
    names = await platform.db.read(lambda tx: store.active_skills(tx, found.skillpack_id))
    assert names == {"hello"}
    part = await platform.db.read(lambda tx: store.skill(tx, found.id, "hello/part"))
    assert part is not None
    assert part["parent"] == "hello"
    assert await platform.db.read(lambda tx: store.skill(tx, found.id, "nothing")) is None
    version = await platform.db.read(lambda tx: store.by_version(tx, found.skillpack_id, 1))
    assert (
        version == found == await platform.db.read(lambda tx: store.active(tx, found.skillpack_id))
    )


async def test_the_tree_of_a_deployment_can_t_be_written(
    client: httpx2.AsyncClient, platform: Platform, key: Minted, pack: str
) -> None:
    made = await deployed(client, key, bundle())
    tree = next(Path(platform.settings.home / "bundles").glob(f"*/{made['id']}"))
    for path in (tree, *tree.rglob("*")):
        assert path.stat().st_mode & 0o222 == 0
