"""What becomes of what a function returns: checked, pruned, its files in the drive and signed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from ..support import Minted
from .bench import Bench, Skill

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
DATA_URI = "data:image/png;base64," + base64.b64encode(PNG).decode()
MAKE = """
import puras
PNG = {png!r}
DATA_URI = {uri!r}
def run():
    path = puras.drive.write("cat.png", PNG)
    return {body}
"""


def skill(body: str, properties: Mapping[str, Any] | None, **schema: Any) -> Skill:
    """Make a skill that returns `body`, an expression over `path`, PNG and DATA_URI."""
    code = MAKE.format(png=PNG, uri=DATA_URI, body=body)
    if properties is None:
        return Skill("make", code)
    output = {"type": "object", "properties": dict(properties), **schema}
    return Skill("make", code, more={"output_schema": output})


async def made(
    bench: Bench, body: str, properties: Mapping[str, Any] | None = None, **schema: Any
) -> dict[str, Any]:
    await bench.deploy(skill(body, properties, **schema))
    return await bench.run("make")


IMAGE = {"image": {"type": "image"}}


async def content(bench: Bench, url: str) -> bytes:
    """Read a signed URL as anyone may: without a key."""
    path = url.removeprefix(bench.platform.settings.public_url)
    answer = await bench.client.get(path, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize(
    "written",
    [
        "path",
        "'/' + path",
        "'  ' + path + ' '",
        "{'drive_path': path}",
        "{'drive_path': '/' + path, 'url': 'https://elsewhere.test/x'}",
        "puras.drive.url(path)",
        "{'url': puras.drive.url(path)}",
        "'cat.png'",
        "puras.drive.url('cat.png')",
    ],
)
async def test_a_drive_path_however_written_is_read_back_as_a_signed_url(
    bench: Bench, written: str
) -> None:
    job = await made(bench, f"{{'image': {written}}}", IMAGE)
    assert job["status"] == "succeeded", job["error"]
    assert await content(bench, job["result"]["image"]) == PNG
    assert job["outputs"] == [
        {
            "name": "image",
            "drive_path": f"jobs/{job['id']}/cat.png",
            "url": job["result"]["image"],
            "mime": "image/png",
            "size_bytes": len(PNG),
        }
    ]


async def test_a_path_below_the_workspace_s_id_is_the_same_path(bench: Bench) -> None:
    workspace_id = await bench.workspace_id()
    job = await made(bench, f"{{'image': '{workspace_id}/' + path}}", IMAGE)
    assert job["outputs"][0]["drive_path"] == f"jobs/{job['id']}/cat.png"


@pytest.mark.parametrize(
    ("written", "mime"),
    [
        ("DATA_URI", "image/png"),
        ("'DATA' + DATA_URI[4:]", "image/png"),
        ("{'data': DATA_URI}", "image/png"),
        ("{'base64': DATA_URI.split(',')[1]}", "application/octet-stream"),
        ("{'data': DATA_URI.split(',')[1]}", "application/octet-stream"),
    ],
)
async def test_a_file_inside_of_the_result_is_stored_in_the_job_s_folder(
    bench: Bench, written: str, mime: str
) -> None:
    job = await made(bench, f"{{'image': {written}}}", IMAGE)
    assert job["status"] == "succeeded", job["error"]
    (output,) = job["outputs"]
    assert output["drive_path"].startswith(f"jobs/{job['id']}/")
    assert (output["mime"], output["size_bytes"]) == (mime, len(PNG))
    assert await content(bench, job["result"]["image"]) == PNG


async def test_a_data_uri_without_base64_is_percent_decoded(bench: Bench) -> None:
    job = await made(bench, "{'f': 'data:text/plain,a%20b'}", {"f": {"type": "file"}})
    assert await content(bench, job["result"]["f"]) == b"a b"
    assert job["outputs"][0]["mime"] == "text/plain"


async def test_stored_files_neither_meet_each_other_nor_what_the_run_has_written(
    bench: Bench,
) -> None:
    files = {"type": "object", "additionalProperties": {"type": "file"}}
    body = (
        "{'a': {'b-c': 'data:text/plain,1', '..': 'data:text/plain,2', 'x/../y\\\\z': "
        "'data:text/plain,3'}, 'a-b': {'c': 'data:text/plain,4'}, 'own': {'p': path}}"
    )
    job = await made(bench, body, {"a": files, "a-b": files, "own": files})
    assert job["status"] == "succeeded", job["error"]
    paths = [output["drive_path"] for output in job["outputs"]]
    assert len(set(paths)) == 5
    contents = [await content(bench, output["url"]) for output in job["outputs"]]
    assert sorted(contents) == sorted([b"1", b"2", b"3", b"4", PNG])


@pytest.mark.parametrize("url", ["https://elsewhere.test/a.png", "HTTP://elsewhere.test/a.png"])
async def test_a_url_of_others_stays_and_is_no_output(bench: Bench, url: str) -> None:
    job = await made(bench, f"{{'image': '{url}'}}", IMAGE)
    assert (job["result"], job["outputs"]) == ({"image": url}, [])


async def test_files_in_lists_and_objects_are_signed_where_they_stand(bench: Bench) -> None:
    schema = {
        "pages": {"type": "array", "items": {"type": "object", "properties": IMAGE}},
        "text": {"type": "string"},
    }
    pages = "[{'image': path}, {'image': 'https://e.test/x'}, {'image': DATA_URI}]"
    body = f"{{'pages': {pages}, 'text': path}}"
    job = await made(bench, body, schema)
    assert job["status"] == "succeeded", job["error"]
    pages, text = job["result"]["pages"], job["result"]["text"]
    assert text == f"jobs/{job['id']}/cat.png"
    assert pages[1]["image"] == "https://e.test/x"
    assert [await content(bench, pages[n]["image"]) for n in (0, 2)] == [PNG, PNG]
    assert [output["name"] for output in job["outputs"]] == ["pages[0].image", "pages[2].image"]


@pytest.mark.parametrize(
    "written",
    [
        "'nothing.png'",
        "'jobs/00000000-0000-7000-8000-000000000000/x.png'",
        "'../x.png'",
        "''",
        "'data:image/png;base64,%%%'",
        "'data:image/png'",
        "5",
        "None",
        "{}",
    ],
)
async def test_a_file_that_is_not_there_is_output_invalid(bench: Bench, written: str) -> None:
    job = await made(bench, f"{{'image': {written}}}", IMAGE)
    assert (job["status"], job["error_code"]) == ("failed", "output_invalid")
    assert (job["result"], job["outputs"]) == (None, [])
    assert "image" in job["error"]


@pytest.mark.parametrize(
    ("body", "properties", "schema", "result"),
    [
        ("{'a': 1, 'b': 2}", {"a": {"type": "integer"}}, {}, {"a": 1}),
        ("{'a': 1, 'b': 2}", None, {}, {"a": 1, "b": 2}),
        ("{'a': 1}", {"a": {}, "b": {}}, {"required": ["a"]}, {"a": 1}),
        ("None", None, {}, {}),
        ("None", {"a": {}}, {"required": []}, {}),
        ("{'a': 'x\\ud800y\\x00'}", None, {}, {"a": "x\ufffdy\x00"}),
        ("{1: 2}", None, {}, {"1": 2}),
    ],
)
async def test_results_that_fit(
    bench: Bench, body: str, properties: Any, schema: Any, result: Any
) -> None:
    job = await made(bench, body, properties, **schema)
    assert (job["status"], job["result"]) == ("succeeded", result), job["error"]


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        ("[1]", None),
        ("'text'", None),
        ("5", None),
        ("True", None),
        ("float('nan')", None),
        ("{'a': float('nan')}", None),
        ("{'a': float('inf')}", None),
        ("{'a': {1, 2}}", None),
        ("{'a': b'x'}", None),
        ("{'a': 'one'}", {"a": {"type": "integer"}}),
        ("{}", {"a": {"type": "integer"}}),
        ("None", {"a": {"type": "integer"}}),
        ("{'a': 'x' * (10 * 1024 * 1024)}", None),
        (
            "{'a': {'x' * 1_000_000: 'one'}}",
            {"a": {"type": "object", "additionalProperties": {"type": "integer"}}},
        ),
    ],
)
async def test_results_that_are_output_invalid(bench: Bench, body: str, properties: Any) -> None:
    job = await made(bench, body, properties)
    assert (job["status"], job["error_code"], job["result"]) == ("failed", "output_invalid", None)
    assert 10 < len(job["error"]) < 5_000


async def test_two_reads_within_the_hour_give_the_same_url_and_a_cancel_changes_nothing(
    bench: Bench,
) -> None:
    job = await made(bench, "{'image': path}", IMAGE)
    await bench.client.post(f"/v1/jobs/{job['id']}/cancel")
    assert await bench.get(job["id"]) == job


@pytest.mark.parametrize("kind", ["secret", "publishable"])
async def test_a_run_finds_what_it_wrote_by_the_name_that_it_gave(bench: Bench, kind: str) -> None:
    body = "{'image': '/cat.png', 'same': puras.drive.read('cat.png') == PNG}"
    await bench.deploy(skill(body, {**IMAGE, "same": {"type": "boolean"}}))
    key: Minted = await bench.mint(kind=kind)
    job = await bench.run("make", headers=key.headers)
    assert job["status"] == "succeeded", job["error"]
    assert job["result"]["same"] is True
    assert job["outputs"][0]["drive_path"] == f"jobs/{job['id']}/cat.png"


async def test_what_a_run_wrote_comes_before_a_file_of_the_workspace_with_that_name(
    bench: Bench,
) -> None:
    await bench.client.post(
        "/v1/drive/upload", files={"file": ("cat.png", b"another")}, data={"path": "cat.png"}
    )
    job = await made(bench, "{'image': 'cat.png'}", IMAGE)
    assert await content(bench, job["result"]["image"]) == PNG


async def test_a_narrow_run_can_not_return_a_file_beyond_its_reach(bench: Bench) -> None:
    upload = await bench.client.post(
        "/v1/drive/upload", files={"file": ("plan.png", PNG)}, data={"path": "plan.png"}
    )
    assert upload.status_code < 300
    await bench.deploy(skill("{'image': 'plan.png'}", IMAGE))
    wide = await bench.run("make")
    assert await content(bench, wide["result"]["image"]) == PNG
    pub: Minted = await bench.mint(kind="publishable")
    narrow = await bench.run("make", headers=pub.headers)
    assert (narrow["status"], narrow["error_code"]) == ("failed", "output_invalid")
