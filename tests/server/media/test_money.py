"""What media cost: held before the provider hears of it, charged once, and never more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from puras.server.billing import store as billing

from ...providers.media_server import Fail, MediaServer, audio_bytes, media_server
from ..jobs.bench import Bench, Skill, open_bench

DRAW = Skill(
    "draw",
    """
    from puras import media, PurasAPIError
    def run(times=1, model="bfl/flux-schnell", stubborn=False):
        made = []
        for _ in range(times):
            try:
                made.append(media.generate_image("A cup", model=model))
            except PurasAPIError as error:
                if not stubborn:
                    raise
        return {"made": made}
    """,
    properties={"times": {"type": "integer"}, "stubborn": {"type": "boolean"}, "model": {}},
)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaServer]:
    with media_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
async def bench(provider: MediaServer, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path / "home") as opened:
        yield opened
        assert await opened.platform.db.read(billing.audit) == []


async def balance(bench: Bench) -> int:
    return int((await bench.client.get("/v1/billing/balance")).json()["balance_micros"])


async def test_two_equal_calls_are_two_and_each_is_charged(
    bench: Bench, provider: MediaServer
) -> None:
    await bench.deploy(DRAW)
    job = await bench.run("draw", {"times": 2})
    assert job["status"] == "succeeded", job["error"]
    first, second = job["result"]["made"]
    assert first["drive_path"] != second["drive_path"]
    assert (first["billed_micros"], first["billed_usd"]) == (3_000, 0.003)
    assert (first["request_id"], second["request_id"]) == ("request-1", "request-2")
    assert (job["cost_micros"], await balance(bench)) == (6_000, 100_000_000 - 6_000)
    assert provider.submitted() == 2
    costs = (await bench.client.get(f"/v1/jobs/{job['id']}/costs")).json()
    line = {"kind": "media", "label": "bfl/flux-schnell", "calls": 2, "cost_micros": 6_000}
    assert costs == {"cost_micros": 6_000, "lines": [line | {"held_micros": 0}]}


async def test_a_call_that_made_nothing_costs_nothing(bench: Bench, provider: MediaServer) -> None:
    await bench.deploy(DRAW)
    provider.fail("POST /v1/images", Fail(400, {}, {"error": {"message": "Not this"}}))
    job = await bench.run("draw", {"times": 2, "model": "openai/gpt-image-1", "stubborn": True})
    assert job["status"] == "succeeded", job["error"]
    assert len(job["result"]["made"]) == 1
    assert job["cost_micros"] == 42_007
    told = [e["payload"] for e in await bench.events(job["id"]) if e["type"] == "tool_result"]
    assert [one["ok"] for one in told] == [False, True]
    assert "OpenAI answered 400 (Not this): change the request" in told[0]["preview"]


async def test_what_can_not_be_paid_is_not_asked_for_and_ends_the_run(
    provider: MediaServer, tmp_path: Path
) -> None:
    async with open_bench(tmp_path / "home", run_cost_limit_usd=0.007) as bench:
        await bench.deploy(DRAW)
        job = await bench.run("draw", {"times": 9, "stubborn": True})
        assert (job["status"], job["error_code"]) == ("failed", "cost_limit")
        assert provider.submitted() == 2
        assert (job["cost_micros"], await balance(bench)) == (6_000, 100_000_000)
        assert await bench.platform.db.read(billing.audit) == []


async def test_a_transcript_costs_its_real_minutes(bench: Bench) -> None:
    upload = await bench.client.post(
        "/v1/drive/upload",
        files={"file": ("talk.wav", audio_bytes())},
        data={"path": "talk.wav"},
    )
    assert upload.status_code == 200, upload.text
    code = """
        from puras import media
        def run(): return media.transcribe("talk.wav", model="openai/whisper-1")
    """
    await bench.deploy(Skill("listen", code))
    job = await bench.run("listen")
    assert job["result"]["text"] == "Hello"
    assert job["result"]["meta"] == {"duration_seconds": 1.5}
    assert job["result"]["billed_micros"] == 150


async def test_a_key_of_the_operator_reaches_no_run(bench: Bench) -> None:
    code = """
        import os
        def run(): return {"names": [n for n in os.environ if "KEY" in n or "BASE_URL" in n]}
    """
    await bench.deploy(Skill("peek", code))
    assert (await bench.run("peek"))["result"] == {"names": []}


@pytest.mark.parametrize("setting", [{"image_model": "local/draft"}, {}])
async def test_the_default_is_the_operators_else_the_first_usable(
    provider: MediaServer, tmp_path: Path, setting: dict[str, Any]
) -> None:
    code = "from puras import media\ndef run(): return media.generate_image('x')"
    async with open_bench(tmp_path / "home", **setting) as bench:
        await bench.deploy(Skill("plain", code))
        job = await bench.run("plain")
    assert job["result"]["model"] == setting.get("image_model", "google/nano-banana")
