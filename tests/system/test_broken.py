"""A deployment whose environment can't be built: its job says so, with what the builder said."""

from __future__ import annotations

from pathlib import Path

from puras import Puras

from .conftest import Served


def test_a_job_of_a_broken_deployment_fails_with_the_build_s_log(
    server: Served, tmp_path: Path
) -> None:
    skill = tmp_path / "broken" / "hello"
    skill.mkdir(parents=True)
    (skill / "main.py").write_text("def run():\n    return {}\n")
    (skill / "skill.yaml").write_text("description: Says hello.\nentrypoint: main.py:run\n")
    (tmp_path / "broken" / "requirements.txt").write_text("no-such-package-of-puras==9.9\n")
    assert server.puras("deploy", str(tmp_path / "broken")).returncode == 0
    with Puras(server.key, "broken", api_base=server.base) as puras:
        job = puras.wait(puras.submit("hello").id, timeout=60)
        said = [event.payload for event in puras.events(job.id) if event.type == "log"]
    assert (job.status, job.error_code) == ("failed", "deployment_broken")
    assert "requirements.txt" in job.error
    assert any("no-such-package-of-puras" in payload["message"] for payload in said)
    assert said[-1]["level"] == "error"
    assert len({payload["message"] for payload in said}) == len(said)
