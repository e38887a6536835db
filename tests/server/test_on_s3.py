"""A whole server whose files lie in a bucket."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from puras.server.doctor.checks import Check, examine
from puras.server.storage.place import open_storage

from .support import Server, open_server, problem, settings_for

SKILL = """
description: Copies a file
entrypoint: main.py:copy
input_schema: {type: object, properties: {file: {type: file}}, required: [file]}
output_schema: {type: object, properties: {file: {type: file}, again: {type: file}}}
"""
CODE = """
from puras import drive, load_bytes

def copy(file):
    content = load_bytes(file)
    path = drive.write("copy.txt", content + b" and again")
    return {"file": path, "again": drive.url(path)}
"""


def bundle() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("copy/skill.yaml", SKILL)
        archive.writestr("copy/main.py", CODE)
    return packed.getvalue()


async def deploy(server: Server) -> None:
    made = await server.client.post("/v1/skillpacks", json={"name": "Demo", "slug": "demo"})
    assert made.status_code == 201
    deployed = await server.client.post(
        "/v1/skillpacks/demo/deployments", files={"bundle": ("b.zip", bundle())}
    )
    assert deployed.status_code == 201, deployed.text


async def upload(server: Server, content: bytes = b"hello") -> str:
    answer = await server.client.post(
        "/v1/drive/upload", files={"file": ("a.txt", content)}, data={"path": "a.txt"}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["drive_path"])


async def run(server: Server, inputs: dict[str, Any]) -> dict[str, Any]:
    answer = await server.client.post(
        "/v1/jobs?wait=true", json={"skill": "demo/copy", "inputs": inputs}
    )
    job: dict[str, Any] = answer.json()
    assert job["status"] == "succeeded", job
    return job


async def archive_of(server: Server) -> str:
    """Return the SHA-256 of the one bundle that is kept."""
    names = [stored.name async for stored in server.platform.storage.listing()]
    (archive,) = (name for name in names if name.startswith("bundles/"))
    return archive.removeprefix("bundles/").removesuffix(".zip")


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


async def test_a_job_reads_and_writes_files_in_the_bucket(
    tmp_path: Path, bucket_url: str, s3_endpoint: str
) -> None:
    async with open_server(tmp_path, storage_url=bucket_url) as server:
        await deploy(server)
        job = await run(server, {"file": await upload(server)})
        assert job["result"]["file"].startswith(s3_endpoint)
        assert job["result"]["again"] == job["result"]["file"]  # a URL of ours is its path
        assert httpx2.get(job["result"]["file"]).content == b"hello and again"
        assert [output["url"] for output in job["outputs"]] == [job["result"]["file"]] * 2
        again = await server.client.get(f"/v1/jobs/{job['id']}")
        assert again.json()["result"] == job["result"]


async def test_a_signed_url_of_the_bucket_is_a_file_like_any_other(
    tmp_path: Path, bucket_url: str
) -> None:
    """The bucket's address is a private one here, which no run may fetch from."""
    async with open_server(tmp_path, storage_url=bucket_url) as server:
        await deploy(server)
        signed = await server.client.post(
            "/v1/drive/sign", json={"path": await upload(server), "ttl": 60}
        )
        job = await run(server, {"file": signed.json()["signed_url"]})
        assert httpx2.get(job["result"]["file"]).content == b"hello and again"


async def test_a_deployment_is_unpacked_again_from_the_bucket(
    tmp_path: Path, bucket_url: str
) -> None:
    async with open_server(tmp_path, storage_url=bucket_url) as server:
        await deploy(server)
        sha256 = await archive_of(server)
        folder = await server.platform.bundles.unpacked("another", sha256)
        assert (folder / "copy/main.py").read_text() == CODE


async def test_files_are_read_in_parts_and_deleted_through_the_server(
    tmp_path: Path, bucket_url: str
) -> None:
    async with open_server(tmp_path, storage_url=bucket_url) as server:
        await upload(server)
        url = "/v1/drive/a.txt"
        part = await server.client.get(url, headers={"Range": "bytes=1-2"})
        assert (part.status_code, part.content) == (206, b"el")
        assert part.headers["x-content-type-options"] == "nosniff"
        assert (await server.client.delete(url)).status_code == 204
        assert problem(await server.client.get(url)) == (404, "file_not_found")
        assert [stored async for stored in server.platform.storage.listing()] == []


async def test_a_url_for_longer_than_the_bucket_signs_is_served_by_the_server(
    tmp_path: Path, bucket_url: str
) -> None:
    async with open_server(tmp_path, storage_url=bucket_url) as server:
        path = await upload(server)
        signed = await server.client.post("/v1/drive/sign", json={"path": path, "ttl": 2_592_000})
        url = signed.json()["signed_url"].removeprefix(server.platform.settings.public_url)
        answer = await server.client.get(url, headers={"Authorization": ""})
        assert (answer.status_code, answer.content) == (200, b"hello")


async def test_a_bucket_that_is_away_is_told_as_503_and_asked_again(
    tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    away = open_storage(settings_for(tmp_path / "away", storage_url=bucket_url))
    monkeypatch.undo()
    async with open_server(tmp_path / "home") as server:
        await upload(server)
        server.platform.drive._storage = away
        refused = await server.client.get("/v1/drive/a.txt")
        assert problem(refused) == (503, "not_ready")
        assert refused.headers["retry-after"] == "2"


async def test_the_doctor_looks_into_the_bucket(tmp_path: Path, bucket_url: str) -> None:
    settings = settings_for(tmp_path, storage_url=bucket_url)
    async with open_server(tmp_path, storage_url=bucket_url) as server:
        await deploy(server)
        await upload(server)
        good = named(await examine(settings), "files")
        assert (good.state, good.detail) == ("ok", f"all 2 are in {bucket_url}")
        (tmp_path / "stray").write_bytes(b"123")
        await server.platform.storage.adopt("drive/w/stray", tmp_path / "stray")
        assert named(await examine(settings), "files").state == "ok"
        stray = named(await examine(settings, settled_seconds=-5), "files")
        assert stray.state == "warn"
        assert "1 files (3 bytes)" in stray.detail
        await server.platform.storage.delete(f"bundles/{await archive_of(server)}.zip")
        gone = named(await examine(settings), "files")
        assert gone.state == "fail"
        assert "1 of 2" in gone.detail


async def test_the_doctor_tells_of_a_bucket_that_is_not_there(
    tmp_path: Path, bucket_url: str
) -> None:
    async with open_server(tmp_path, storage_url=bucket_url):
        pass
    check = named(await examine(settings_for(tmp_path, storage_url="s3://no-such")), "files")
    assert check.state == "fail"
    assert "there is no such bucket" in check.detail
    check = named(await examine(settings_for(tmp_path, storage_url="ftp://x")), "files")
    assert check.state == "fail"
