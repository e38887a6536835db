"""What a skill remembers of its children and steps when the server is killed under it."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

from puras import Puras

from .conftest import Served, serving

PARENT = """\
import random, puras

def run(seconds):
    before = puras.step("roll", random.random)
    puras.log(f"rolled {before}")
    slept = puras.subagent.run("nap", {"seconds": seconds})
    return {"rolled": before, "attempt": puras.job.attempt, **slept}
"""
NAP = """\
import time, puras

def run(seconds):
    puras.log("asleep")
    time.sleep(seconds)
    return {"child_attempt": puras.job.attempt}
"""


def write_bundle(folder: Path) -> Path:
    for name, code in (("parent", PARENT), ("nap", NAP)):
        (folder / name).mkdir(parents=True)
        (folder / name / "main.py").write_text(code)
        (folder / name / "skill.yaml").write_text(
            f"description: It is a {name}.\nentrypoint: main.py:run\n"
            "input_schema: {type: object, properties: {seconds: {type: number}}}\n"
        )
    return folder


def client(served: Served, key: str = "") -> Puras:
    return Puras(key or served.key, "family", api_base=served.base)


def test_a_server_killed_in_the_middle_of_a_child_starts_no_second_one(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "family")
    one_at_a_time = {"PURAS_CONCURRENCY": "1"}
    with serving(tmp_path / "home", env=one_at_a_time) as served:
        deployed = served.puras("deploy", str(bundle))
        assert deployed.returncode == 0, deployed.stderr
        with client(served) as puras:
            job_id = puras.submit("parent", {"seconds": 1}).id
            started = next(e for e in puras.events(job_id) if e.type == "subagent_start")
            child_id = started.payload["job_id"]
            next(event for event in puras.events(child_id) if event.type == "log")
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait()
    with serving(tmp_path / "home", env=one_at_a_time) as again, client(again, served.key) as puras:
        job = puras.wait(job_id, timeout=60)
        events = list(puras.events(job_id))
        child = puras.get(child_id)
        with sqlite3.connect(again.data / "puras.db") as db:
            (jobs,) = db.execute("SELECT count(*) FROM jobs").fetchone()
    assert (job.status, child.status, jobs) == ("succeeded", "succeeded", 2)
    assert (job.result["attempt"], job.result["child_attempt"], child.attempt) == (2, 2, 2)
    logs = [event.payload for event in events if event.type == "log"]
    rolled = {told["message"] for told in logs if "ctx" not in told}
    assert rolled == {f"rolled {job.result['rolled']}"}
    # Each attempt at the child says it once, and what is said once is told once.
    asleep = [told["message"] for told in logs if told.get("ctx", {}).get("job_id") == child_id]
    assert asleep == ["asleep", "asleep"]
    told = [event.type for event in events if event.type.startswith("subagent_")]
    assert told == ["subagent_start", "subagent_end"]
