"""What Prometheus reads: right figures, for the operator alone, and nothing of any tenant."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from puras.server.clock import SECOND, now
from puras.server.db.database import Database
from puras.server.metrics import instruments
from puras.server.metrics.refresh import refresh
from puras.server.settings import BadSetting, read_settings

from .conftest import Seed
from .jobs.bench import ECHO, Bench, Skill, open_bench
from .support import ON_SQLITE, problem

TOKEN = "a-token-of-the-operators"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


def figures(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Figures:
    """What has grown between two readings; the counters are those of the whole test process."""

    def __init__(self) -> None:
        self._before = figures(instruments.text().decode())

    def grown(self, name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return figures(instruments.text().decode()).get(key, 0) - self._before.get(key, 0)


async def read(bench: Bench, headers: dict[str, str] | None = None) -> httpx2.Response:
    return await bench.client.get("/metrics", headers=headers or {"Authorization": ""})


@ON_SQLITE
async def test_only_the_operators_token_reads_the_metrics_at_the_apis_address(
    tmp_path: Path, dialect: str
) -> None:
    async with open_bench(tmp_path / "data") as bench:
        assert problem(await read(bench, ALLOWED)) == (404, "not_found")
    async with open_bench(tmp_path / "data", metrics_token=TOKEN) as bench:
        assert problem(await read(bench)) == (404, "not_found")
        assert problem(await bench.client.get("/metrics")) == (404, "not_found")  # its first key
        answer = await read(bench, ALLOWED)
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            instruments.CONTENT_TYPE,
        )


async def test_the_figures_tell_of_requests_jobs_and_events_and_of_no_tenant(
    tmp_path: Path,
) -> None:
    fails = Skill("fails", "def run():\n    raise ValueError('no')\n")
    async with open_bench(tmp_path / "data", metrics_token=TOKEN) as bench:
        await bench.deploy(ECHO, fails)
        since = Figures()
        job = await bench.run("echo", {"n": 1})
        await bench.run("fails")
        submits = {"method": "POST", "route": "/v1/jobs", "status": "201"}
        assert since.grown("puras_http_requests_total", **submits) == 2
        seconds = {"method": "POST", "route": "/v1/jobs"}
        assert since.grown("puras_http_request_seconds_count", **seconds) == 2
        assert since.grown("puras_claims_total", kind="function") == 2
        assert since.grown("puras_job_wait_seconds_count", kind="function") == 2
        assert since.grown("puras_jobs_ended_total", status="succeeded") == 1
        assert since.grown("puras_jobs_ended_total", status="failed") == 1
        (await bench.client.get("/v1/nowhere")).raise_for_status  # noqa: B018
        other = {"method": "other", "route": "other", "status": "404"}
        assert since.grown("puras_http_requests_total", **other) == 1
        told = (await read(bench, ALLOWED)).text
        workspace_id = await bench.workspace_id()
        for secret in (job["id"], workspace_id, job["key_id"], "local", "echo", "/v1/nowhere"):
            assert secret not in told


async def test_the_queue_is_told_by_kind_with_its_oldest_job(seed: Seed, db: Database) -> None:
    await seed.workspace()
    await seed.job()
    await seed.job(type="agentic")
    await seed.job(type="agentic")
    await refresh(db, lambda: 1 + 90 * SECOND)
    told = figures(instruments.text().decode())
    for kind, count in (("function", 1), ("agentic", 2)):
        labels = frozenset({("kind", kind)})
        assert told["puras_queue_jobs", labels] == count
        assert told["puras_queue_oldest_seconds", labels] == 90
    assert told["puras_database", frozenset({("what", "connections")})] >= 1
    await seed.claim(most=10)
    await refresh(db, now)
    assert (
        figures(instruments.text().decode())["puras_queue_jobs", frozenset({("kind", "agentic")})]
        == 0
    )


@ON_SQLITE
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_port_of_its_own_answers_prometheus_and_nobody_else(
    tmp_path: Path, dialect: str, token: str | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"metrics_port": port, "metrics_token": token}
    async with open_bench(tmp_path / "data", **settings), httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}/metrics"
        bare = await client.get(url)
        assert bare.status_code == (200 if token is None else 401)
        assert (await client.get(url, headers=ALLOWED)).status_code == 200
        assert "puras_running_jobs" in (await client.get(url, headers=ALLOWED)).text
        assert (await client.get(f"http://127.0.0.1:{port}/v1/jobs")).status_code == 404


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PURAS_METRICS_HOST": "0.0.0.0", "PURAS_METRICS_PORT": "9464"}, "PURAS_METRICS_TOKEN"),
        ({"PURAS_METRICS_TOKEN": "short"}, "16 characters"),
        ({"PURAS_LOG_FORMAT": "xml"}, "auto, json, console"),
    ],
)
def test_settings_that_would_let_others_read_are_refused(
    environment: dict[str, str], told: str
) -> None:
    with pytest.raises(BadSetting, match=told):
        read_settings(environment)


def test_every_figure_is_described_to_operators() -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "observe.md").read_text()
    names = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in instruments.REGISTRY.collect()
        if family.name.startswith("puras_")
    }
    assert len(names) > 15
    assert {name for name in names if f"`{name}`" not in page} == set()
