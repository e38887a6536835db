"""`puras.media` in a skill: answers, files, events, spans and money, on a whole server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ..jobs.bench import Bench, Skill, open_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as opened:
        yield opened


ALL_FOUR = Skill(
    "ad",
    """
    from puras import media, drive, step, load_bytes

    def run():
        image = media.generate_image("A bottle", aspect_ratio="9:16", model="local/draft")
        video = media.generate_video("@image1 turns", images=[image], duration=1)
        speech = media.generate_audio("Buy it now.")
        heard = media.transcribe({"drive_path": speech["drive_path"]}, language="en")
        return {
            "all": [image, video, speech, heard],
            "image": image["drive_path"],
            "bytes": len(drive.read(video["drive_path"])),
        }
    """,
    more={
        "output_schema": {
            "type": "object",
            "properties": {
                "all": {"type": "array"},
                "image": {"type": "image"},
                "bytes": {"type": "integer"},
            },
        }
    },
)


async def test_all_four_verbs_answer_in_one_form(bench: Bench) -> None:
    await bench.deploy(ALL_FOUR)
    job = await bench.run("ad")
    assert job["status"] == "succeeded", job["error"]
    *made, heard = job["result"]["all"]
    for answer, kind, suffix in zip(
        made, ("image", "video", "audio"), (".png", ".mp4", ".wav"), strict=True
    ):
        assert answer.keys() == {
            *("model", "kind", "drive_path", "request_id", "billed_micros", "billed_usd", "meta")
        }
        assert (answer["model"], answer["kind"]) == ("local/draft", kind)
        assert answer["drive_path"].startswith(f"jobs/{job['id']}/media/{kind}-")
        assert answer["drive_path"].endswith(suffix)
        assert (answer["billed_micros"], answer["billed_usd"]) == (0, 0)
        assert answer["meta"]["draft"] is True
    assert (heard["kind"], heard["drive_path"]) == ("transcript", None)
    assert heard["text"].startswith("[draft transcript of ")
    assert heard["language_code"] == "en"
    assert heard["words"][0].keys() == {"text", "start", "end"}
    assert job["result"]["bytes"] > 1000
    assert [output["name"] for output in job["outputs"]] == ["image"]


async def test_a_call_is_told_as_a_tool_with_a_span(bench: Bench) -> None:
    await bench.deploy(ALL_FOUR)
    job = await bench.run("ad")
    events = [event for event in await bench.events(job["id"]) if "tool" in event["type"]]
    assert [(event["type"], event["payload"]["name"]) for event in events] == [
        (type, verb)
        for verb in ("generate_image", "generate_video", "generate_audio", "transcribe")
        for type in ("tool_call", "tool_result")
    ]
    call, result = events[0]["payload"], events[1]["payload"]
    assert call["input"] == {
        "prompt": "A bottle",
        "aspect_ratio": "9:16",
        "model": "local/draft",
    }
    assert result["tool_call_id"] == call["tool_call_id"]
    assert (result["ok"], result["cost_micros"]) == (True, 0)
    assert result["drive_path"] == job["result"]["all"][0]["drive_path"]
    spans = (await bench.client.get(f"/v1/jobs/{job['id']}/spans")).json()
    assert [span["name"] for span in spans if span["kind"] == "tool"] == [
        *("generate_image", "generate_video", "generate_audio", "transcribe")
    ]


async def test_bytes_and_local_files_are_references_too(bench: Bench) -> None:
    skill = Skill(
        "show",
        """
        import pathlib
        from puras import media, drive

        def run():
            data = drive.read(media.generate_image("A cup")["drive_path"])
            pathlib.Path("cup.png").write_bytes(data)
            video = media.generate_video(
                "x", images=[data, pathlib.Path("cup.png")], duration=0.5
            )
            return {"path": video["drive_path"]}
        """,
    )
    await bench.deploy(skill)
    job = await bench.run("show")
    assert job["status"] == "succeeded", job["error"]


REFUSED = {
    "generate_image('')": "is shorter than 1 character",
    "generate_image('x', model='local/drift')": "no model `local/drift` for images: it may be",
    "generate_image('x', aspect_ratio='wide')": "aspect_ratio",
    "generate_image('a @image2', images=[DOT])": "speaks of @image2, and 1 images came",
    "generate_image('x', images=['gone.png'])": "gone.png",
    "generate_image('x', images=['https://127.0.0.1/a.png'])": "not public",
    "generate_image('x', images=[DOT] * 11)": "has more than 10 items",
    "generate_video('x', duration=121)": "duration",
    "transcribe('data:audio/wav;base64,AAAA')": "it is neither audio nor video",
}


async def test_what_makes_no_sense_is_refused_with_a_sentence(bench: Bench) -> None:
    code = f"""
        from puras import media, PurasAPIError
        DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

        def told(call):
            try:
                return eval("media." + call)
            except PurasAPIError as error:
                return str(error)

        def run():
            return {{"told": [told(call) for call in {[*REFUSED]!r}]}}
    """
    await bench.deploy(Skill("ask", code))
    job = await bench.run("ask")
    for said, part in zip(job["result"]["told"], REFUSED.values(), strict=True):
        assert part in said


async def test_a_failed_call_is_told_and_may_be_made_again(bench: Bench) -> None:
    code = """
        from puras import media, PurasAPIError
        BAD = "data:image/png;base64,AAAA"

        def run():
            codes = []
            for _ in range(2):
                try:
                    media.generate_image("x", images=[BAD])
                except PurasAPIError as error:
                    codes.append(error.code)
            return {"codes": codes}
    """
    await bench.deploy(Skill("fail", code))
    job = await bench.run("fail")
    assert job["result"] == {"codes": ["media_failed", "media_failed"]}
    told = [e["payload"] for e in await bench.events(job["id"]) if e["type"] == "tool_result"]
    assert [one["ok"] for one in told] == [False, False]
    assert "`given.png` can't be used: it is no image" in told[0]["preview"]


async def test_the_skills_own_model_is_taken_before_the_default(bench: Bench) -> None:
    code = "from puras import media\ndef run(): return media.generate_image('x')"
    await bench.deploy(Skill("draw", code, more={"image_model": "local/draft"}))
    assert (await bench.run("draw"))["result"]["model"] == "local/draft"


async def test_a_narrow_run_names_only_files_within_its_reach(bench: Bench) -> None:
    upload = await bench.client.post(
        "/v1/drive/upload", files={"file": ("secret.png", b"x")}, data={"path": "secret.png"}
    )
    assert upload.status_code == 200, upload.text
    code = """
        from puras import media, PurasAPIError
        def run():
            try:
                media.generate_image("x", images=["secret.png"])
            except PurasAPIError as error:
                return {"code": error.code}
    """
    await bench.deploy(Skill("peek", code))
    key = await bench.mint(kind="publishable")
    job_id = await bench.begin("peek", headers=key.headers)
    job = await bench.get(job_id, wait="30")
    assert job["result"] == {"code": "file_not_found"}
