"""A server that is killed while a provider works: no second order, no second charge."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from puras import Job, JobEvent, Puras

from ..providers.media_server import media_server
from .conftest import serving

FILM = """\
from puras import job, media

def run():
    still = media.generate_image("A bottle", model="bfl/flux-schnell")
    film = media.generate_video("@image1 turns", images=[still], model="google/veo-3-fast")
    return {"attempt": job.attempt, "still": still, "film": film}
"""
SKILL = "description: Makes a film.\nentrypoint: main.py:run\n"
AGENT = """\
description: Makes a film.
entrypoint: SKILL.md
text_model: local/draft
video_model: google/veo-3-fast
allowed_tools: [generate_video]
input_schema: {type: object, properties: {}}
output_schema: {type: object, properties: {film: {type: video}}}
"""
PRICE = 3_000 + 8 * 150_000


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment that leads to an empty database."""
    if request.param == "sqlite":
        return {}
    return {"PURAS_DATABASE_URL": request.getfixturevalue("postgres").fresh()}


@dataclass
class Ended:
    """A job after its server was killed while fal worked, and another one has finished it."""

    job: Job
    events: list[JobEvent]
    balance_micros: int
    orders: int
    orders_before: int


def kill_in_the_middle(
    home: Path, files: Mapping[str, str], *, database: Mapping[str, str], hold: str
) -> Ended:
    """Run the skill `films/film` on two servers; the first is killed while fal holds a request."""
    for name, text in files.items():
        file = home / "films" / "film" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    with media_server() as fal:
        environment = {**fal.environment, **database}
        fal.hold(hold)
        with serving(home, env=environment) as served:
            assert served.puras("deploy", str(home / "films")).returncode == 0
            with Puras(served.key, "films", api_base=served.base) as puras:
                job_id = puras.submit("film").id
                assert fal.looked.wait(60), "fal was never asked for the film"
            os.kill(served.process.pid, signal.SIGKILL)
            served.process.wait()
        before = len(fal.of("POST"))
        fal.release()
        with (
            serving(home, env=environment) as again,
            Puras(served.key, "films", api_base=again.base) as puras,
        ):
            job = puras.wait(job_id, timeout=120)
            events = list(puras.events(job_id))
            headers = {"Authorization": f"Bearer {served.key}"}
            told = httpx2.get(f"{again.base}/v1/billing/balance", headers=headers).json()
        return Ended(job, events, told["balance_micros"], len(fal.of("POST")), before)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_server_killed_while_fal_works_takes_up_the_same_request(
    tmp_path: Path, database: dict[str, str]
) -> None:
    files = {"main.py": FILM, "skill.yaml": SKILL}
    ended = kill_in_the_middle(tmp_path, files, database=database, hold="fal-ai/veo3")
    job = ended.job
    assert job.status == "succeeded", job.error
    assert job.result["attempt"] == 2
    assert (ended.orders_before, ended.orders) == (2, 2)
    assert job.result["film"]["request_id"] == "request-2"
    assert (job.cost_micros, ended.balance_micros) == (PRICE, 100_000_000 - PRICE)
    assert [event.id for event in ended.events] == list(range(1, len(ended.events) + 1))
    told = [event.type for event in ended.events if event.type.startswith("tool_")]
    assert told == ["tool_call", "tool_result", "tool_call", "tool_result"]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_agent_goes_on_with_the_film_that_it_had_ordered(
    tmp_path: Path, database: dict[str, str]
) -> None:
    files = {"SKILL.md": "Make a film.", "skill.yaml": AGENT}
    ended = kill_in_the_middle(tmp_path, files, database=database, hold="fal-ai/veo3")
    assert ended.job.status == "succeeded", ended.job.error
    assert (ended.orders_before, ended.orders) == (1, 1)
    (result,) = [event.payload for event in ended.events if event.type == "tool_result"]
    price = result["cost_micros"]
    assert price > 0
    assert (ended.job.cost_micros, ended.balance_micros) == (price, 100_000_000 - price)
    assert [event.id for event in ended.events] == list(range(1, len(ended.events) + 1))
    assert len([event for event in ended.events if event.type == "tool_call"]) == 1
