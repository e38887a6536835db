"""Two workspaces and every kind of key: nobody sees, runs or reaches what is not theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from puras.server.keys.fences import AllowedSkill, Fences
from puras.wire import KeyKind

from ..support import Minted, problem
from .bench import ECHO, Bench, Skill

READER = Skill(
    "reader",
    """
    import sys, puras
    def run(path=None, given=None, write=None):
        told = {"listed": [file["drive_path"] for file in puras.drive.list()]}
        try:
            if given is not None:
                told["given"] = puras.load_bytes(given).decode()
            if path is not None:
                told["read"] = puras.drive.read(path).decode()
                told["url"] = puras.drive.url(path)
            if write is not None:
                told["written"] = puras.drive.write(write, b"new")
        except puras.PurasAPIError as error:
            told["code"] = error.code
        print("the publisher's own words", file=sys.stderr)
        return told
    """,
    more={
        "input_schema": {
            "type": "object",
            "properties": {"path": {}, "given": {"type": "file"}, "write": {}},
        }
    },
)
PARENT = Skill(
    "parent",
    """
    import puras
    def run(target="maker", inputs=None):
        made = puras.subagent.run(target, inputs)
        return {"made": made, "read": puras.drive.read(made["file"]).decode()}
    """,
    more={"input_schema": {"type": "object", "properties": {"target": {}, "inputs": {}}}},
)
MAKER = Skill(
    "maker",
    """
    import puras
    def run():
        return {"file": puras.drive.write("made.txt", b"made by a child")}
    """,
    more={"output_schema": {"type": "object", "properties": {"file": {"type": "file"}}}},
)


async def upload(bench: Bench, path: str | None, content: bytes, key: Minted | None = None) -> str:
    answer = await bench.client.post(
        "/v1/drive/upload",
        files={"file": ("file.txt", content)},
        data={} if path is None else {"path": path},
        headers=key.headers if key else None,
    )
    assert answer.status_code < 300, answer.text
    return str(answer.json()["drive_path"])


KINDS: list[tuple[KeyKind, Fences]] = [
    ("secret", Fences()),
    ("secret", Fences(rate_per_minute=1000)),
    ("secret", Fences(daily_cap_micros=1_000_000)),
    ("publishable", Fences()),
]


@pytest.mark.parametrize(("kind", "fences"), KINDS)
async def test_no_key_of_another_workspace_sees_anything(
    bench: Bench, kind: KeyKind, fences: Fences
) -> None:
    deployment = await bench.deploy(ECHO)
    job = await bench.run("echo", {"word": "xyzzy"})
    await upload(bench, "plan.txt", b"xyzzy")
    (pack,) = (await bench.client.get("/v1/skillpacks")).json()
    (key,) = (await bench.client.get("/v1/keys")).json()
    stranger = await bench.stranger(kind=kind, fences=fences)
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/jobs/{job['id']}", None),
        ("GET", f"/v1/jobs/{job['id']}?wait=1", None),
        ("GET", f"/v1/jobs/{job['id']}/events", None),
        ("GET", f"/v1/jobs/{job['id']}/stream", None),
        ("POST", f"/v1/jobs/{job['id']}/cancel", None),
        ("POST", f"/v1/jobs/{job['id']}/feedback", {"rating": 1}),
        ("GET", "/v1/jobs", None),
        ("GET", "/v1/drive", None),
        ("GET", "/v1/drive/plan.txt", None),
        ("DELETE", "/v1/drive/plan.txt", None),
        ("POST", "/v1/drive/sign", {"path": "plan.txt"}),
        ("GET", "/v1/skillpacks", None),
        ("GET", f"/v1/skillpacks/{pack['id']}", None),
        ("GET", "/v1/skillpacks/local%2Fpack", None),
        ("PATCH", f"/v1/skillpacks/{pack['id']}", {"name": "mine"}),
        ("DELETE", f"/v1/skillpacks/{pack['id']}", None),
        ("GET", f"/v1/skillpacks/{pack['id']}/deployments", None),
        ("POST", f"/v1/skillpacks/{pack['id']}/deployments/{deployment['id']}/activate", None),
        ("DELETE", f"/v1/skillpacks/{pack['id']}/deployments/{deployment['id']}", None),
        ("GET", "/v1/keys", None),
        ("PATCH", f"/v1/keys/{key['id']}", {"name": "mine"}),
        ("DELETE", f"/v1/keys/{key['id']}", None),
        ("GET", "/v1/billing/balance", None),
        ("POST", "/v1/jobs", {"skill": "local/pack/echo"}),
        ("POST", "/v1/jobs", {"skill": "pack/echo"}),
        ("POST", f"/v1/jobs?skillpack_id={pack['id']}", {"skill": "echo"}),
    ]
    workspace_id = await bench.workspace_id()
    for method, path, body in calls:
        answer = await bench.client.request(method, path, json=body, headers=stranger.headers)
        if answer.status_code >= 400:
            assert problem(answer)[0] in {403, 404}, path
        if answer.status_code == 200:
            told = answer.text
            for word in ("xyzzy", job["id"], pack["id"], key["id"], workspace_id, "plan.txt"):
                assert word not in told, path
    assert await bench.get(job["id"]) == job


async def test_a_publishable_key_reaches_its_own_root_jobs_and_none_below_them(
    bench: Bench,
) -> None:
    await bench.deploy(PARENT, MAKER)
    pub = await bench.mint(kind="publishable")
    job = await bench.run("parent", headers=pub.headers)
    assert job["status"] == "succeeded", job
    assert job["result"]["read"] == "made by a child", "a parent reaches what its child made"
    (child,) = await bench.children(job["id"])
    for call in ("GET ", "GET /events", "GET /stream", "POST /cancel", "POST /feedback"):
        method, _, rest = call.partition(" ")
        body = {"rating": 1} if rest == "/feedback" else None
        own, below = [
            await bench.client.request(
                method, f"/v1/jobs/{job_id}{rest}", json=body, headers=pub.headers
            )
            for job_id in (job["id"], child["id"])
        ]
        assert own.status_code < 300, call
        assert problem(below) == (404, "job_not_found")
    assert problem(await bench.client.get("/v1/jobs", headers=pub.headers)) == (
        403,
        "key_kind_not_allowed",
    )


async def test_another_key_of_the_same_workspace_sees_no_job_of_a_fenced_one_s_and_back(
    bench: Bench,
) -> None:
    await bench.deploy(ECHO)
    keys = [
        await bench.mint(kind="publishable"),
        await bench.mint(kind="publishable"),
        await bench.mint(fences=Fences(daily_cap_micros=1_000_000)),
    ]
    jobs = [await bench.begin("echo", headers=key.headers) for key in keys]
    for key in keys:
        for job_id in jobs:
            answer = await bench.client.get(f"/v1/jobs/{job_id}", headers=key.headers)
            mine = jobs.index(job_id) == keys.index(key)
            assert answer.status_code == (200 if mine else 404)
    whole = (await bench.client.get("/v1/jobs")).json()
    assert {job["id"] for job in whole} == set(jobs)


async def test_a_publishable_run_reaches_its_inputs_its_uploads_and_its_own_folder(
    bench: Bench,
) -> None:
    await bench.deploy(READER)
    await upload(bench, "plan.txt", b"the plan")
    pub = await bench.mint(kind="publishable")
    mine = await upload(bench, None, b"my photo", pub)
    assert mine.startswith(f"uploads/{pub.id}/")
    own = await bench.run("reader", {"given": mine, "path": mine}, headers=pub.headers)
    assert (own["result"]["given"], own["result"]["read"]) == ("my photo", "my photo")
    assert own["result"]["listed"] == [mine]
    beyond = await bench.run("reader", {"path": "plan.txt"}, headers=pub.headers)
    assert beyond["result"] == {"listed": [mine], "code": "file_not_found"}
    written = await bench.run("reader", {"write": "plan.txt"}, headers=pub.headers)
    assert written["result"]["written"] == f"jobs/{written['id']}/plan.txt"
    refused = await bench.submit("reader", {"given": "plan.txt"}, headers=pub.headers)
    assert problem(refused) == (400, "invalid_inputs")
    wide = await bench.run("reader", {"path": "plan.txt"})
    assert wide["result"]["read"] == "the plan"


async def test_one_publishable_key_does_not_reach_the_uploads_and_jobs_of_another(
    bench: Bench,
) -> None:
    await bench.deploy(READER)
    one, other = [await bench.mint(kind="publishable") for _ in range(2)]
    photo = await upload(bench, None, b"a photo", other)
    job = await bench.run("reader", {"write": "note.txt"}, headers=other.headers)
    for path in (photo, job["result"]["written"]):
        named = await bench.submit("reader", {"given": path}, headers=one.headers)
        assert problem(named) == (400, "invalid_inputs")
        read = await bench.run("reader", {"path": path}, headers=one.headers)
        assert read["result"]["code"] == "file_not_found"
        again = await bench.run("reader", {"given": path}, headers=other.headers)
        assert "given" in again["result"]


async def test_a_narrow_run_finds_its_files_among_thousands_of_others(bench: Bench) -> None:
    await bench.deploy(READER)
    workspace_id = await bench.workspace_id()
    await bench.alter(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
        " INSERT INTO drive_files (workspace_id, path, size_bytes, mime, blob, created_at)"
        " SELECT :workspace_id, 'a/' || i, 1, 'text/plain', 'blob' || i, 0 FROM n",
        workspace_id=workspace_id,
    )
    pub = await bench.mint(kind="publishable")
    mine = await upload(bench, None, b"my photo", pub)
    job = await bench.run("reader", headers=pub.headers)
    assert job["result"]["listed"] == [mine]


async def test_a_public_skill_is_paid_by_its_caller_who_sees_the_public_view(
    bench: Bench,
) -> None:
    await bench.deploy(READER, slug="open", public=True)
    await upload(bench, "plan.txt", b"the publisher's plan")
    stranger = await bench.stranger()
    await upload(bench, "diary.txt", b"the caller's diary", stranger)
    job = await bench.run("local/open/reader", {"path": "diary.txt"}, headers=stranger.headers)
    assert job["result"] == {"listed": [], "code": "file_not_found"}
    assert job["workspace_id"] != await bench.workspace_id()
    given = {"given": "diary.txt"}
    named = await bench.run("local/open/reader", given, headers=stranger.headers)
    assert named["result"]["given"] == "the caller's diary"
    events = await bench.events(named["id"], headers=stranger.headers)
    assert "own words" not in json.dumps(events)
    assert {"level": "error", "message": "hidden", "redacted": True} in [
        event["payload"] for event in events
    ]
    own = await bench.client.get(f"/v1/jobs/{job['id']}")
    assert problem(own) == (404, "job_not_found")


async def test_a_public_skill_runs_private_ones_of_its_publisher_but_none_of_its_caller(
    bench: Bench,
) -> None:
    await bench.deploy(MAKER, slug="inner")
    await bench.deploy(PARENT, slug="open", public=True)
    stranger = await bench.stranger()
    await bench.deploy(MAKER, slug="mine", headers=stranger.headers)
    inputs = {"target": "inner/maker"}
    job = await bench.run("local/open/parent", inputs, headers=stranger.headers)
    assert job["result"]["read"] == "made by a child"
    for target in ("mine/maker", "other/mine/maker"):
        refused = await bench.run("local/open/parent", {"target": target}, headers=stranger.headers)
        assert (refused["status"], refused["error_code"]) == ("failed", "function_error")
    rows = await bench.rows("SELECT public_view, wide_reach FROM jobs")
    assert {(row["public_view"], row["wide_reach"]) for row in rows} == {(1, 0)}


async def test_an_allowlisted_publishable_key_may_run_the_public_skill_of_another_workspace(
    bench: Bench,
) -> None:
    await bench.deploy(ECHO, slug="open", public=True)
    (pack,) = (await bench.client.get("/v1/skillpacks")).json()
    allowed = (AllowedSkill(pack["id"], "echo", "local/open/echo"),)
    pub = await bench.stranger(kind="publishable", fences=Fences(skills=allowed))
    job = await bench.run("local/open/echo", {"n": 1}, headers=pub.headers)
    assert job["result"] == {"n": 1}
    await bench.client.patch("/v1/skillpacks/open", json={"slug": "renamed"})
    assert (await bench.submit("local/renamed/echo", headers=pub.headers)).status_code == 201
    await bench.client.patch("/v1/skillpacks/renamed", json={"public": False})
    private = await bench.submit("local/renamed/echo", headers=pub.headers)
    assert problem(private) == (403, "skill_not_allowed")
