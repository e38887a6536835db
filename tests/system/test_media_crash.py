"""A server that is killed while a provider works: no second order, no second charge."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx2
import pytest

from puras import Puras

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
PRICE = 3_000 + 8 * 150_000


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment that leads to an empty database."""
    if request.param == "sqlite":
        return {}
    return {"PURAS_DATABASE_URL": request.getfixturevalue("postgres").fresh()}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_server_killed_while_fal_works_takes_up_the_same_request(
    tmp_path: Path, database: dict[str, str]
) -> None:
    skill = tmp_path / "films" / "film"
    skill.mkdir(parents=True)
    (skill / "main.py").write_text(FILM)
    (skill / "skill.yaml").write_text(SKILL)
    with media_server() as fal:
        environment = {**fal.environment, **database}
        with serving(tmp_path / "home", env=environment) as served:
            assert served.puras("deploy", str(skill.parent)).returncode == 0
            with Puras(served.key, "films", api_base=served.base) as puras:
                fal.hold("fal-ai/veo3")
                job_id = puras.submit("film").id
                assert fal.looked.wait(60), "fal was never asked for the film"
            os.kill(served.process.pid, signal.SIGKILL)
            served.process.wait()
        key = served.key
        orders = len(fal.of("POST"))
        fal.release()
        with (
            serving(tmp_path / "home", env=environment) as again,
            Puras(key, "films", api_base=again.base) as puras,
        ):
            job = puras.wait(job_id, timeout=120)
            events = list(puras.events(job_id))
            balance = httpx2.get(
                f"{again.base}/v1/billing/balance", headers={"Authorization": f"Bearer {key}"}
            ).json()
    assert job.status == "succeeded", job.error
    assert job.result["attempt"] == 2
    assert (orders, len(fal.of("POST")), fal.submitted()) == (2, 2, 2)
    assert job.result["film"]["request_id"] == "request-2"
    assert job.cost_micros == PRICE
    assert balance["balance_micros"] == 100_000_000 - PRICE
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    told = [event.type for event in events if event.type.startswith("tool_")]
    assert told == ["tool_call", "tool_result", "tool_call", "tool_result"]
