"""`jobs`, `logs`, `cancel`, `feedback`."""

from __future__ import annotations

import json

from .conftest import Run
from .loopback import Loopback


def test_jobs_are_listed_newest_first(puras: Run, server: Loopback) -> None:
    server.add_job(status="failed")
    newest = server.add_job(status="succeeded", cost_micros=1_500_000)
    rows = [row.split("\t") for row in puras("jobs").stdout.splitlines()]
    assert rows[0] == [
        newest["id"],
        "succeeded",
        "greetings/hello",
        "1",
        "2026-11-25 12:00:00",
        "$1.50",
    ]
    assert [row[1] for row in rows] == ["succeeded", "failed"]


def test_filters_are_the_servers(puras: Run, server: Loopback) -> None:
    puras("jobs", "--status", "failed", "--skillpack", "a", "--skill", "b", "--before", "c")
    assert server.seen[-1].query == {
        "status": "failed",
        "skillpack": "a",
        "skill": "b",
        "before": "c",
        "limit": "20",
    }


def test_a_limit_over_one_page_reads_more_pages_and_no_more(puras: Run, server: Loopback) -> None:
    for _ in range(300):
        server.add_job()
    listed = json.loads(puras("jobs", "--limit", "250", "--output", "json").stdout)
    assert len({job["id"] for job in listed}) == 250
    assert [each.query["limit"] for each in server.asked("GET", "/v1/jobs")] == ["200", "50"]


def test_an_unknown_status_is_a_usage_error(puras: Run, server: Loopback) -> None:
    assert puras("jobs", "--status", "lost").exit_code == 2
    assert server.seen == []


def test_one_job_is_shown_by_its_id(puras: Run, server: Loopback) -> None:
    job = server.add_job(status="succeeded", result={"message": "hi"})
    assert 'result    {"message": "hi"}' in puras("jobs", job["id"]).stdout
    assert json.loads(puras("jobs", job["id"], "--output", "json").stdout) == job


def test_an_unknown_job_is_not_found(puras: Run) -> None:
    result = puras("jobs", "nope")
    assert result.exit_code == 4
    assert "list your jobs: puras jobs" in result.stderr


def test_logs_in_a_pipe_are_plain_lines(puras: Run, server: Loopback) -> None:
    job = server.add_job()
    server.say("log", level="info", message="hello")
    server.say("progress", fraction=0.5, message="half")
    result = puras("logs", job["id"])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "12:00:00  status     queued",
        "12:00:00  status     running",
        "12:00:00  log        hello",
        "12:00:00  progress   50% half",
        "12:00:00  status     succeeded",
    ]


def test_logs_as_json_are_one_event_a_line(puras: Run, server: Loopback) -> None:
    job = server.add_job()
    server.say("log", level="info", message="two\nlines")
    result = puras("logs", job["id"], "--output", "json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events == server.events_of(job)
    assert result.stderr == ""


def test_logs_of_a_failed_job_end_with_its_error(puras: Run, server: Loopback) -> None:
    job = server.add_job()
    server.outcome = {"status": "failed", "error": "ValueError: no", "error_code": "function_error"}
    result = puras("logs", job["id"])
    assert result.exit_code == 1
    assert f"Error: job {job['id']} failed: ValueError: no [function_error]" in result.stderr


def test_logs_end_at_their_timeout_and_say_that_the_job_goes_on(
    puras: Run, server: Loopback
) -> None:
    job = server.add_job()
    server.silent = True
    result = puras("logs", job["id"], "--timeout", "0.3")
    assert result.exit_code == 1
    assert "running" in result.stdout
    assert f"job {job['id']} was not over in time; it goes on" in result.stderr
    assert f"puras cancel {job['id']}" in result.stderr


def test_cancel_tells_the_status_that_came_of_it(puras: Run, server: Loopback) -> None:
    running, done = server.add_job(status="running"), server.add_job(status="succeeded")
    assert puras("cancel", running["id"]).stdout == f"Job {running['id']} is cancelled.\n"
    assert puras("cancel", done["id"]).stdout == f"Job {done['id']} is already succeeded.\n"


def test_feedback_is_sent_as_given(puras: Run, server: Loopback) -> None:
    job = server.add_job()
    result = puras(
        *("feedback", job["id"], "--rating", "-1", "--comment", "bad", "--end-user-id", "u1")
    )
    assert result.exit_code == 0
    assert server.seen[-1].json == {"rating": -1, "comment": "bad", "end_user_id": "u1"}


def test_feedback_without_an_opinion_is_a_usage_error(puras: Run, server: Loopback) -> None:
    assert puras("feedback", "j").exit_code == 2
    assert puras("feedback", "j", "--rating", "2").exit_code == 2
    assert server.seen == []
