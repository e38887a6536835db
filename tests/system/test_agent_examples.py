"""The agentic examples, deployed and called as their READMEs say, without anybody's key."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx2
import pytest

from puras import Puras

from .conftest import Served, serving

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        for bundle in ("triage", "ugc-ads"):
            # A copy: to deploy writes into the folder which skillpack it has become.
            copy = shutil.copytree(EXAMPLES / bundle, served.home / bundle)
            done = served.puras("deploy", str(copy))
            assert done.returncode == 0, done.stderr
        yield served


@pytest.fixture
def puras(served: Served) -> Iterator[Puras]:
    with Puras(served.key, api_base=served.base) as client:
        yield client


def events(puras: Puras, job_id: str, *types: str) -> list[dict[str, Any]]:
    return [event.payload or {} for event in puras.events(job_id) if event.type in types]


def test_a_ticket_is_triaged_with_its_customer_looked_up(puras: Puras) -> None:
    job = puras.submit("triage/ticket", {"ticket": "You took 49 dollars twice."}, wait=True)
    assert job.status == "succeeded", job.error
    assert job.result is not None
    assert sorted(job.result) == ["category", "needs_human", "priority", "reply", "summary"]
    assert job.result["reply"].startswith("Draft")
    assert job.cost_micros == 0
    called = [call["name"] for call in events(puras, job.id, "tool_call")]
    assert called == ["lookup_customer", "file_read"]
    told = events(puras, job.id, "model_response")
    assert {said["model"] for said in told} == {"local/draft"}
    assert all(said["text"].startswith("[draft]") for said in told)


def test_an_ad_is_an_upright_video_of_the_length_that_was_asked_for(
    puras: Puras, tmp_path: Path
) -> None:
    asked = {"product": "https://example.com/product", "duration": 15}
    ad = puras.run("local/ugc-ads/ugc-ad", asked)
    assert sorted(ad) == ["script", "still", "video", "voice"]
    answer = httpx2.get(ad["video"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    file = tmp_path / "ad.mp4"
    file.write_bytes(answer.content)
    with av.open(str(file)) as video:
        picture = video.streams.video[0]
        assert video.duration is not None
        assert video.duration / 1_000_000 == pytest.approx(15, abs=0.2)
        assert picture.width / picture.height == pytest.approx(9 / 16, abs=0.01)
        assert video.streams.audio


def test_an_ad_has_its_script_and_its_storyboard_made_by_subagents(puras: Puras) -> None:
    asked = {"product": "https://example.com/product", "duration": 5}
    job = puras.submit("ugc-ads/ugc-ad", asked, wait=True)
    assert job.status == "succeeded", job.error
    own = [call for call in events(puras, job.id, "tool_result") if "ctx" not in call]
    worked = {call["name"] for call in own if call["ok"]}
    assert worked >= {"shoot", "write_script", "run_subagent", "generate_image", "generate_audio"}
    assert len(events(puras, job.id, "subagent_end")) == 2
    inner = [e for e in events(puras, job.id, "tool_call") if "ctx" in e]
    assert inner == []
